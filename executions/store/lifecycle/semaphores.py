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

from flows.blocks.guards import Semaphore


class Outcome(Enum):
    HELD = "held"
    QUEUED = "queued"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of asking for a semaphore; `limit` is that of whoever created it."""

    outcome: Outcome
    limit: int


def acquire(execution_id: UUID, level: int, block: str, asked: Semaphore) -> Answer:
    """Hold a semaphore for a token, or stand in its queue."""
    release([execution_id], [level])
    limit = _one(
        "INSERT INTO executions_semaphore (path, concurrency_limit, created_at) "
        "VALUES (%s, %s, now()) ON CONFLICT (path) DO UPDATE SET path = excluded.path "
        "RETURNING concurrency_limit",
        [asked.path, asked.limit],
    )
    held = _held(asked.path)
    if held == 0 and limit != asked.limit:
        # Its holders' executions were deleted: it begins anew.
        _execute(
            "UPDATE executions_semaphore SET concurrency_limit = %s WHERE path = %s",
            [asked.limit, asked.path],
        )
        limit = asked.limit
    if held < limit:
        outcome = Outcome.HELD
    elif not asked.queued:
        return Answer(Outcome.REFUSED, limit)
    else:
        outcome = Outcome.QUEUED
    stage = "held" if outcome is Outcome.HELD else "waiting"
    _execute(
        "INSERT INTO executions_semaphoreticket "
        "(semaphore_id, execution_id, level, block, stage, priority, at) "
        "VALUES (%s, %s, %s, %s, %s, %s, now())",
        [asked.path, execution_id, level, block, stage, asked.priority],
    )
    return Answer(outcome, limit)


def settle(execution_id: UUID, level: int, path: str) -> Answer:
    """Whether a semaphore that a token waits for was granted to it: then it holds it."""
    limit = _one(
        "SELECT concurrency_limit FROM executions_semaphore WHERE path = %s FOR UPDATE", [path]
    )
    granted = _one(
        "UPDATE executions_semaphoreticket SET stage = 'held' "
        "WHERE execution_id = %s AND level = %s AND stage <> 'waiting' RETURNING 1",
        [execution_id, level],
    )
    return Answer(Outcome.HELD if granted else Outcome.QUEUED, limit or 0)


def release(executions: Sequence[UUID], levels: Sequence[int] | None = None) -> None:
    """Give up what executions hold or wait for, at these levels or everywhere, and grant what that
    makes free. A semaphore that nobody holds is deleted (semantics 81).

    `transitions.wake_granted` wakes those to whom it was granted.
    """
    theirs = "execution_id = ANY(%s::uuid[])" + ("" if levels is None else " AND level = ANY(%s)")
    params = [list(executions), *(() if levels is None else (list(levels),))]
    paths = _column(
        f"SELECT DISTINCT semaphore_id FROM executions_semaphoreticket WHERE {theirs}", params
    )
    if not paths:
        return
    _execute(
        "SELECT 1 FROM executions_semaphore WHERE path = ANY(%s) ORDER BY path FOR UPDATE", [paths]
    )
    _execute(f"DELETE FROM executions_semaphoreticket WHERE {theirs}", params)
    for path in paths:
        _grant(path)


def _grant(path: str) -> None:
    """Let in who waits, the lowest priority first, in the order of their coming (semantics 80)."""
    _execute(
        "UPDATE executions_semaphoreticket SET stage = 'granted' WHERE id IN ("
        "SELECT id FROM executions_semaphoreticket WHERE semaphore_id = %(path)s "
        "AND stage = 'waiting' ORDER BY priority, id LIMIT greatest(0, "
        "(SELECT concurrency_limit FROM executions_semaphore WHERE path = %(path)s) - %(held)s))",
        {"path": path, "held": _held(path)},
    )
    _execute(
        "DELETE FROM executions_semaphore WHERE path = %(path)s AND NOT EXISTS ("
        "SELECT 1 FROM executions_semaphoreticket WHERE semaphore_id = %(path)s)",
        {"path": path},
    )


def _held(path: str) -> int:
    held: int = _one(
        "SELECT count(*) FROM executions_semaphoreticket "
        "WHERE semaphore_id = %s AND stage IN ('granted', 'held')",
        [path],
    )
    return held


def _execute(sql: str, params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def _one(sql: str, params: Any) -> Any:
    """The first column of the first row, None without one."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    return row[0] if row else None


def _column(sql: str, params: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [row[0] for row in cursor.fetchall()]
