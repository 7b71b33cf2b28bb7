"""What an execution knows of its retries: the newest one, and what became of it.

A retry tells all executions that it tries again: its origin, the origin of that, and so on. It does
so in the transaction in which it starts or ends. Once a retry has ended well, its origins are
superseded, and no later retry changes that.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from executions.events import ExecutionChanged
from executions.models import Execution
from executions.states import TERMINAL, RetryState, Status
from executions.store.lifecycle import transitions
from executions.store.lifecycle.claims import RETURNING

_CHAIN = """
    WITH RECURSIVE chain AS (
        SELECT id AS retry, origin_id AS id FROM executions_execution
        WHERE id = ANY(%(retries)s) AND trigger = %(trigger_retry)s AND origin_id IS NOT NULL
        UNION
        SELECT chain.retry, origin.origin_id FROM chain
        JOIN executions_execution origin ON origin.id = chain.id
        WHERE origin.trigger = %(trigger_retry)s AND origin.origin_id IS NOT NULL
    )
"""
#: In the order in which an end and a bulk command lock executions.
_SET = f"""
    {_CHAIN}, locked AS (
        SELECT origin.id AS locked_id, chain.retry AS by FROM chain
        JOIN executions_execution origin ON origin.id = chain.id
        WHERE origin.retry_state <> %(retry_ended)s AND {{guard}}
        ORDER BY origin.depth DESC, origin.id DESC
        FOR NO KEY UPDATE OF origin
    )
    UPDATE executions_execution SET
        retried_as = locked.by, retry_state = %(state)s, {transitions.CHANGE}
    FROM locked WHERE id = locked.locked_id
    RETURNING {RETURNING}
"""
_SET_ANY = _SET.format(guard="true")
_SET_NEWEST = _SET.format(guard="origin.retried_as = chain.retry")


def begin(retry_id: UUID) -> list[ExecutionChanged]:
    """Tell the origins of a retry that it has started."""
    return _set(_SET_ANY, RetryState.LIVE, [retry_id])


def settle(events: Iterable[ExecutionChanged]) -> list[ExecutionChanged]:
    """Tell the origins of those that are retries what became of them.

    Must run in the transaction that ended them, before semaphores are locked.
    """
    by_state: dict[RetryState, list[UUID]] = {}
    for event in events:
        if event.trigger == Execution.Trigger.RETRY and event.status in TERMINAL:
            by_state.setdefault(_state_of(event), []).append(UUID(event.id))
    changed: list[ExecutionChanged] = []
    for state, ids in by_state.items():
        statement = _SET_ANY if state is RetryState.ENDED else _SET_NEWEST
        changed += _set(statement, state, ids)
    return changed


def _state_of(event: ExecutionChanged) -> RetryState:
    if event.status == Status.STOPPED:
        return RetryState.STOPPED
    failed = event.unhandled or event.status == Status.ERROR
    return RetryState.FAILED if failed else RetryState.ENDED


def _set(statement: str, state: RetryState, retries: list[UUID]) -> list[ExecutionChanged]:
    params: dict[str, Any] = {"state": state.value, "retries": retries}
    return transitions.update(statement, **params)
