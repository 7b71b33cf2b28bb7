"""Giving one command to many executions: together where it is a guarded transition, which costs a
few statements for all of them, else one by one.

Whoever is in the way of a bulk command waits for it no longer than for a batch.
"""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import psycopg
from django.db import OperationalError, transaction

from executions import access, completion
from executions.commands import refusals
from executions.commands.actor import Actor, entry
from executions.commands.control import DEBUGGING, Result, control
from executions.dispatch import send
from executions.events import ExecutionChanged
from executions.models import AuditEntry, Execution
from executions.publishing import publish
from executions.states import Status
from executions.store.debug import debug_lease
from executions.store.lifecycle import bulk_transitions

Change = Callable[[Sequence[UUID]], list[ExecutionChanged]]
Seen = Mapping[UUID, Status]


def _stop(ids: Sequence[UUID]) -> list[ExecutionChanged]:
    return completion.stop(*ids) or []


def _resumed(change: Change) -> Change:
    def resume(ids: Sequence[UUID]) -> list[ExecutionChanged]:
        changed = change(ids)
        # In the order in which they were given, not in that of the table.
        for event in sorted(changed, key=lambda event: ids.index(UUID(event.id))):
            send(event)
        return changed

    return resume


#: What is done to all of a batch at once; it applies to those of them that are locked and in one
#: of the command's statuses.
TOGETHER: dict[str, Change] = {
    "continue": _resumed(bulk_transitions.run_on),
    "pause": bulk_transitions.pause,
    "step": _resumed(bulk_transitions.run_one),
    "stop": _stop,
}


def control_all(
    command: str,
    user: access.User,
    executions: Sequence[Execution],
    actor: Actor,
    fields: Mapping[str, str] | None = None,
    seen: Seen | None = None,
) -> list[Result]:
    """Give a command to executions that the user may see; a result each, in their order.

    `seen` are the statuses in which the person saw them. KeyError for an unknown command.
    """
    if command in TOGETHER and len(executions) > 1:
        try:
            return _together(command, user, executions, actor, seen or {})
        except OperationalError as problem:
            if not isinstance(problem.__cause__, psycopg.errors.DeadlockDetected):
                raise
            # Others took some of them in another order: one at a time there is no order.
    return [
        control(command, user, one, actor, fields, (seen or {}).get(one.pk)) for one in executions
    ]


def _together(
    command: str, user: access.User, executions: Sequence[Execution], actor: Actor, seen: Seen
) -> list[Result]:
    ids = [one.pk for one in executions]
    with transaction.atomic():
        bulk_transitions.lock(ids)
        standing = bulk_transitions.standings(ids)
        results = [
            _judged(command, user, one, standing.get(one.pk), seen.get(one.pk))
            for one in executions
        ]
        accepted = [result.execution.pk for result in results if result.done]
        if accepted:
            taken = debug_lease.take(accepted, user) if command in DEBUGGING else []
            publish(taken + TOGETHER[command](accepted))
        AuditEntry.objects.bulk_create(
            entry(actor, command, result.execution, done=result.done, detail=result.detail)
            for result in results
            if result.execution.pk in standing
        )
    return results


def _judged(
    command: str,
    user: access.User,
    execution: Execution,
    standing: bulk_transitions.Standing | None,
    seen: Status | None,
) -> Result:
    if standing is None:
        return Result(execution, done=False, detail="It was deleted meanwhile.")
    why = refusals.of_person(command, user, standing) or refusals.of_status(command, standing, seen)
    return Result(execution, done=not why, detail=why)
