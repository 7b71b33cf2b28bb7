"""Debug leases: one user debugs an execution, until they hand it over, release it or leave.

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
from executions.limits import (
    DEBUG_TRANSFER_ANSWER_SECONDS,
    DEBUG_TRANSFER_AWAY_SECONDS,
    RECOVERY_BATCH,
)
from executions.models import Execution
from executions.store.debug_plan import DebugPlan, dumps
from executions.store.lifecycle.claims import RETURNING
from executions.store.lifecycle.transitions import CHANGE, update, update_one


@dataclass(frozen=True, slots=True)
class DebugLease:
    """Who debugs an execution and since when, and who has requested control."""

    holder_id: int | None
    holder: str
    since: datetime | None
    asker_id: int | None
    asker: str
    asked_at: datetime | None
    ended: bool


_COLUMNS = (
    "debugged_by_id",
    "debugged_by_name",
    "debugged_since",
    "asked_by_id",
    "asked_by_name",
    "asked_at",
    "ended_at",
)
_ATTACH = f"""
    UPDATE executions_execution SET
        debugged_by_id = %(user)s, debugged_by_name = %(name)s, debug = %(debug)s::json,
        debugged_since = CASE WHEN debugged_by_id = %(user)s THEN debugged_since ELSE now() END,
        {CHANGE}
    WHERE id = ANY(%(ids)s) AND ended_at IS NULL
        AND coalesce(debugged_by_id, %(user)s) = %(user)s
    RETURNING {RETURNING}
"""
_DETACH = f"""
    UPDATE executions_execution SET
        debugged_by_id = NULL, debugged_by_name = '', debugged_since = NULL, debug = NULL,
        asked_by_id = NULL, asked_by_name = '', asked_at = NULL,
        debug_hits = NULL, run_until = NULL,
        steps_wanted = CASE WHEN status = ANY(%(resumable)s) THEN NULL ELSE steps_wanted END,
        lease_expires_at = CASE
            WHEN status = ANY(%(resumable)s) THEN now() + make_interval(secs => %(requeue)s)
            ELSE lease_expires_at
        END,
        place = '', status = CASE WHEN status = ANY(%(resumable)s) THEN %(queued)s ELSE status END,
        {CHANGE}
    WHERE id = ANY(%(ids)s) AND ended_at IS NULL AND debugged_by_id IS NOT NULL
    RETURNING {RETURNING}
"""
_ACQUIRE = f"""
    UPDATE executions_execution SET
        debugged_by_id = %(user)s, debugged_by_name = %(name)s, debugged_since = now(),
        asked_by_id = NULL, asked_by_name = '', asked_at = NULL, {CHANGE}
    WHERE id = ANY(%(ids)s) AND ended_at IS NULL AND debugged_by_id IS NULL
    RETURNING {RETURNING}
"""
_TRANSFER = f"""
    UPDATE executions_execution SET
        debugged_by_id = %(user)s, debugged_by_name = %(name)s,
        debugged_since = CASE WHEN %(user)s::integer IS NOT NULL THEN now() END,
        asked_by_id = NULL, asked_by_name = '', asked_at = NULL, {CHANGE}
    WHERE id = ANY(%(ids)s) AND ended_at IS NULL
        AND debugged_by_id IS NOT DISTINCT FROM %(holder)s::integer
    RETURNING {RETURNING}
"""
_REQUEST = f"""
    UPDATE executions_execution SET
        asked_by_id = %(user)s, asked_by_name = %(name)s, asked_at = now(), {CHANGE}
    WHERE id = ANY(%(ids)s) AND ended_at IS NULL
        AND debugged_by_id <> %(user)s AND asked_by_id IS NULL
    RETURNING {RETURNING}
"""
_DECLINE = f"""
    UPDATE executions_execution SET
        asked_by_id = NULL, asked_by_name = '', asked_at = NULL, {CHANGE}
    WHERE id = ANY(%(ids)s) AND ended_at IS NULL
        AND debugged_by_id = %(user)s AND asked_by_id IS NOT NULL
    RETURNING {RETURNING}
"""
_UNANSWERED = """
    SELECT id FROM executions_execution
    WHERE asked_at IS NOT NULL AND ended_at IS NULL
        AND asked_at <= now() - make_interval(secs => %(answer)s)
    ORDER BY asked_at LIMIT %(batch)s
"""
_LONG_HELD = """
    SELECT id, root_id, debugged_by_id FROM executions_execution e
    WHERE debugged_by_id IS NOT NULL AND ended_at IS NULL
        AND debugged_since <= now() - make_interval(secs => %(away)s)
        AND NOT EXISTS (
            SELECT 1 FROM executions_execution p
            WHERE p.id = e.parent_id AND p.debugged_by_id = e.debugged_by_id
        )
    ORDER BY debugged_since LIMIT %(batch)s
"""


def lock(execution_id: UUID) -> DebugLease:
    """Return who debugs an execution, and lock its row until the transaction ends."""
    rows = Execution.objects.select_for_update(of=("self",)).filter(pk=execution_id)
    row: dict[str, Any] = rows.values(*_COLUMNS).get()
    return DebugLease(
        row["debugged_by_id"],
        row["debugged_by_name"],
        row["debugged_since"],
        row["asked_by_id"],
        row["asked_by_name"],
        row["asked_at"],
        row["ended_at"] is not None,
    )


def attach(execution_id: UUID, user: Any, plan: DebugPlan) -> ExecutionChanged | None:
    """Live and debugged by nobody else → debugged by the user, with these breakpoints."""
    name = user.get_username()
    return update_one(_ATTACH, execution_id, user=user.pk, name=name, debug=dumps(plan))


def detach(execution_id: UUID) -> ExecutionChanged | None:
    """Live and debugged → debugged by nobody, without breakpoints; a paused one becomes Queued."""
    return update_one(_DETACH, execution_id)


def acquire(ids: Sequence[UUID], user: Any) -> list[ExecutionChanged]:
    """Live and debugged by nobody → debugged by the user. Other users keep what they debug."""
    return update(_ACQUIRE, ids=list(ids), user=user.pk, name=user.get_username())


def transfer(
    family: Sequence[UUID], holder_id: int | None, user_id: int | None, name: str
) -> list[ExecutionChanged]:
    """Debugged by one user → debugged by another one, or with None by nobody.

    Breakpoints stay, and what is paused stays paused.
    """
    return update(
        _TRANSFER,
        ids=list(family),
        holder=holder_id,
        user=user_id,
        name=name if user_id is not None else "",
    )


def request_transfer(execution_id: UUID, user: Any) -> ExecutionChanged | None:
    """Request control from the user who debugs it; not while somebody else requests it."""
    return update_one(_REQUEST, execution_id, user=user.pk, name=user.get_username())


def decline_transfer(execution_id: UUID, user_id: int) -> ExecutionChanged | None:
    """End a request for control; the user who debugs it keeps control."""
    return update_one(_DECLINE, execution_id, user=user_id)


def unanswered() -> list[UUID]:
    """Return the executions with a request for control that was not answered in time."""
    with connection.cursor() as cursor:
        cursor.execute(
            _UNANSWERED, {"answer": DEBUG_TRANSFER_ANSWER_SECONDS, "batch": RECOVERY_BATCH}
        )
        return [row[0] for row in cursor.fetchall()]


def long_held() -> list[tuple[UUID, UUID, int]]:
    """Return what has been debugged for so long that its debugger may have left.

    Each is the ids of an execution, of its root and of the user. A child is left out if the same
    user debugs its parent.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LONG_HELD, {"away": DEBUG_TRANSFER_AWAY_SECONDS, "batch": RECOVERY_BATCH})
        return list(cursor.fetchall())
