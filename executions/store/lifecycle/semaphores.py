"""Semaphores: who holds them and who waits (semantics 78 to 83).

Whoever changes the tickets of a semaphore locks its row first, and after that waits for no row of
an execution: executions before semaphores, several semaphores in the order of their paths. Every
function runs in the transaction that writes down what it is for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import connection

from executions.models import SemaphoreTicket
from executions.store.state_params import STATE_PARAMS
from flows.blocks.semaphores import Semaphore

_CREATE = """
    INSERT INTO executions_semaphore (path, concurrency_limit, created_at)
    VALUES (%(path)s, %(limit)s, now())
    ON CONFLICT (path) DO UPDATE SET path = excluded.path
    RETURNING concurrency_limit
"""
_SET_LIMIT = """
    UPDATE executions_semaphore SET concurrency_limit = %(limit)s WHERE path = %(path)s
"""
_LOCK_ONE = """
    SELECT concurrency_limit FROM executions_semaphore WHERE path = %(path)s FOR UPDATE
"""
_LOCK_ALL = """
    SELECT 1 FROM executions_semaphore WHERE path = ANY(%(paths)s) ORDER BY path FOR UPDATE
"""
_COUNT_HELD = """
    SELECT count(*) FROM executions_semaphoreticket
    WHERE semaphore_id = %(path)s AND stage IN (%(stage_granted)s, %(stage_held)s)
"""
_ADD_TICKET = """
    INSERT INTO executions_semaphoreticket
        (semaphore_id, execution_id, level, block, stage, priority, at)
    VALUES (%(path)s, %(execution)s, %(level)s, %(block)s, %(stage)s, %(priority)s, now())
"""
_HOLD_GRANTED = """
    UPDATE executions_semaphoreticket SET stage = %(stage_held)s
    WHERE execution_id = %(execution)s AND level = %(level)s AND stage <> %(stage_waiting)s
    RETURNING 1
"""
_PATHS_OF = """
    SELECT DISTINCT semaphore_id FROM executions_semaphoreticket
    WHERE execution_id = ANY(%(executions)s::uuid[])
        AND (%(levels)s::int[] IS NULL OR level = ANY(%(levels)s))
"""
_DELETE_TICKETS = """
    DELETE FROM executions_semaphoreticket
    WHERE execution_id = ANY(%(executions)s::uuid[])
        AND (%(levels)s::int[] IS NULL OR level = ANY(%(levels)s))
"""
_GRANT = """
    UPDATE executions_semaphoreticket SET stage = %(stage_granted)s
    WHERE id IN (
        SELECT id FROM executions_semaphoreticket
        WHERE semaphore_id = %(path)s AND stage = %(stage_waiting)s
        ORDER BY priority, id
        LIMIT greatest(
            0, (SELECT concurrency_limit FROM executions_semaphore WHERE path = %(path)s) - %(held)s
        )
    )
"""
_DELETE_UNUSED = """
    DELETE FROM executions_semaphore WHERE path = %(path)s AND NOT EXISTS (
        SELECT 1 FROM executions_semaphoreticket WHERE semaphore_id = %(path)s
    )
"""


class Outcome(Enum):
    HELD = "held"
    QUEUED = "queued"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Acquisition:
    """The outcome of asking for a semaphore; `limit` is the limit of the block that created it."""

    outcome: Outcome
    limit: int


def acquire(execution_id: UUID, level: int, block: str, asked: Semaphore) -> Acquisition:
    """Acquire a semaphore for a token, or enter its queue."""
    release([execution_id], [level])
    limit = _one(_CREATE, path=asked.path, limit=asked.limit)
    held = _held(asked.path)
    if held == 0 and limit != asked.limit:
        # The executions of its holders were deleted, so it starts again.
        _execute(_SET_LIMIT, path=asked.path, limit=asked.limit)
        limit = asked.limit
    if held < limit:
        outcome, stage = Outcome.HELD, SemaphoreTicket.Stage.HELD
    elif asked.queued:
        outcome, stage = Outcome.QUEUED, SemaphoreTicket.Stage.WAITING
    else:
        return Acquisition(Outcome.REFUSED, limit)
    _execute(
        _ADD_TICKET,
        path=asked.path,
        execution=execution_id,
        level=level,
        block=block,
        stage=stage.value,
        priority=asked.priority,
    )
    return Acquisition(outcome, limit)


def settle(execution_id: UUID, level: int, path: str) -> Acquisition:
    """Hold a semaphore that a token waits for, when it was granted to it."""
    limit = _one(_LOCK_ONE, path=path)
    granted = _one(_HOLD_GRANTED, execution=execution_id, level=level)
    return Acquisition(Outcome.HELD if granted else Outcome.QUEUED, limit or 0)


def release(executions: Sequence[UUID], levels: Sequence[int] | None = None) -> None:
    """Give up what executions hold or wait for, at these levels or everywhere, and grant what that
    makes free. A semaphore that nobody holds is deleted (semantics 81).

    `transitions.wake_granted` wakes those to whom it was granted.
    """
    theirs = {
        "executions": list(executions),
        "levels": None if levels is None else list(levels),
    }
    paths = _column(_PATHS_OF, **theirs)
    if not paths:
        return
    _execute(_LOCK_ALL, paths=paths)
    _execute(_DELETE_TICKETS, **theirs)
    for path in paths:
        _grant(path)


def _grant(path: str) -> None:
    """Grant it to those who wait: the lowest priority first, then first come (semantics 80)."""
    _execute(_GRANT, path=path, held=_held(path))
    _execute(_DELETE_UNUSED, path=path)


def _held(path: str) -> int:
    held: int = _one(_COUNT_HELD, path=path)
    return held


def _execute(statement: str, **params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**STATE_PARAMS, **params})


def _one(statement: str, **params: Any) -> Any:
    """Return the first column of the first row; None without one."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {**STATE_PARAMS, **params})
        row = cursor.fetchone()
    return row[0] if row else None


def _column(statement: str, **params: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**STATE_PARAMS, **params})
        return [row[0] for row in cursor.fetchall()]
