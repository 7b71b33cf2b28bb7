"""Who debugs an execution: a lease that one person has, asks another for, and loses by leaving.

It is the execution's own row that is changed, guarded by whose it is: of two who want it at once,
one gets it. The executions below that are debugged along go with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from executions.events import ExecutionChanged
from executions.limits import CONTROL_ANSWER, CONTROL_AWAY, RECOVERY_BATCH
from executions.models import Execution
from executions.store.lifecycle.transitions import CHANGE, one, update


@dataclass(frozen=True, slots=True)
class Control:
    """Who debugs an execution since when, and who has asked for it."""

    holder_id: int | None
    holder: str
    since: datetime | None
    asker_id: int | None
    asker: str
    asked_at: datetime | None
    ended: bool


_CLEAR = "asked_by_id = NULL, asked_by_name = '', asked_at = NULL"
_COLUMNS = (
    "debugged_by_id",
    "debugged_by_name",
    "debugged_since",
    "asked_by_id",
    "asked_by_name",
    "asked_at",
    "ended_at",
)


def lock(execution_id: UUID) -> Control:
    """Who debugs it, locked until the transaction ends."""
    rows = Execution.objects.select_for_update(of=("self",)).filter(pk=execution_id)
    row: dict[str, Any] = rows.values(*_COLUMNS).get()
    return Control(
        row["debugged_by_id"],
        row["debugged_by_name"],
        row["debugged_since"],
        row["asked_by_id"],
        row["asked_by_name"],
        row["asked_at"],
        row["ended_at"] is not None,
    )


def take(ids: Sequence[UUID], user: Any) -> list[ExecutionChanged]:
    """Live and debugged by nobody → by the user. Those that somebody debugs stay theirs."""
    return update(
        f"debugged_by_id = %(user)s, debugged_by_name = %(name)s, debugged_since = now(), "
        f"{_CLEAR}, {CHANGE}",
        "id = ANY(%(ids)s) AND ended_at IS NULL AND debugged_by_id IS NULL",
        {"ids": list(ids), "user": user.pk, "name": user.get_username()},
    )


def pass_on(
    family: Sequence[UUID], holder_id: int | None, user_id: int | None, name: str
) -> list[ExecutionChanged]:
    """Those of them that one person debugs → another does, or with None nobody. Breakpoints stay,
    and what is paused stays paused."""
    return update(
        "debugged_by_id = %(user)s, debugged_by_name = %(name)s, "
        f"debugged_since = CASE WHEN %(user)s::integer IS NOT NULL THEN now() END, "
        f"{_CLEAR}, {CHANGE}",
        "id = ANY(%(ids)s) AND ended_at IS NULL "
        "AND debugged_by_id IS NOT DISTINCT FROM %(holder)s::integer",
        {
            "ids": list(family),
            "holder": holder_id,
            "user": user_id,
            "name": name if user_id is not None else "",
        },
    )


def ask(execution_id: UUID, user: Any) -> ExecutionChanged | None:
    """Ask whoever debugs it for it; not while another one has asked."""
    return one(
        f"asked_by_id = %(user)s, asked_by_name = %(name)s, asked_at = now(), {CHANGE}",
        "ended_at IS NULL AND debugged_by_id <> %(user)s AND asked_by_id IS NULL",
        execution_id,
        user=user.pk,
        name=user.get_username(),
    )


def decline(execution_id: UUID, user_id: int) -> ExecutionChanged | None:
    """Whoever debugs it keeps it."""
    return one(
        f"{_CLEAR}, {CHANGE}",
        "ended_at IS NULL AND debugged_by_id = %(user)s AND asked_by_id IS NOT NULL",
        execution_id,
        user=user_id,
    )


# Time -----------------------------------------------------------------------------------------


def overdue() -> list[UUID]:
    """The executions that were asked for, without an answer in time."""
    return _ids(
        "SELECT id FROM executions_execution WHERE asked_at IS NOT NULL AND ended_at IS NULL "
        "AND asked_at <= now() - make_interval(secs => %(answer)s) "
        "ORDER BY asked_at LIMIT %(batch)s"
    )


def held_long() -> list[tuple[UUID, UUID, int]]:
    """What has been debugged for so long that its debugger may have left: execution, root, user.
    Those that were debugged along are told with the execution at the top."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, root_id, debugged_by_id FROM executions_execution e "
            "WHERE debugged_by_id IS NOT NULL AND ended_at IS NULL "
            "AND debugged_since <= now() - make_interval(secs => %(away)s) AND NOT EXISTS ("
            "SELECT 1 FROM executions_execution p "
            "WHERE p.id = e.parent_id AND p.debugged_by_id = e.debugged_by_id) "
            "ORDER BY debugged_since LIMIT %(batch)s",
            {"away": CONTROL_AWAY, "batch": RECOVERY_BATCH},
        )
        return list(cursor.fetchall())


def _ids(sql: str) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"answer": CONTROL_ANSWER, "batch": RECOVERY_BATCH})
        return [row[0] for row in cursor.fetchall()]
