"""Guarded transitions of many executions, each in one statement, for bulk commands.

`lock` comes first, in the transaction of the change: it takes the rows in the order in which an end
takes them, children before their parents and retries before their origins, so that the two never
wait for each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from executions.events import ExecutionChanged
from executions.models import Execution
from executions.states import Status
from executions.store.lifecycle import stepping, transitions
from executions.store.lifecycle.claims import RETURNING
from executions.store.state_params import STATE_PARAMS

#: Executions, and the descendants that they wait for; tasks are no part of a family.
_LOCK = """
    WITH RECURSIVE family AS (
        SELECT id FROM executions_execution WHERE id = ANY(%(ids)s)
        UNION
        SELECT child.id FROM executions_execution child JOIN family ON child.parent_id = family.id
        WHERE child.ended_at IS NULL AND child.trigger <> %(trigger_task)s
    ), waiting AS (
        SELECT parent_id AS id FROM executions_execution
        WHERE id = ANY(%(ids)s) AND parent_id IS NOT NULL AND trigger <> %(trigger_task)s
        UNION
        SELECT id FROM executions_execution WHERE awaits && %(ids)s::uuid[]
    )
    SELECT id FROM executions_execution
    WHERE id IN (SELECT id FROM family UNION SELECT id FROM waiting)
    ORDER BY depth DESC, id DESC
    FOR UPDATE
"""
_STOP = f"""
    WITH RECURSIVE family AS (
        SELECT id FROM executions_execution WHERE id = ANY(%(ids)s) AND status = ANY(%(stoppable)s)
        UNION
        SELECT child.id FROM executions_execution child JOIN family ON child.parent_id = family.id
        WHERE child.ended_at IS NULL AND child.trigger <> %(trigger_task)s
    )
    UPDATE executions_execution SET {transitions.SET_STOPPED}
    WHERE id IN (SELECT id FROM family) AND status = ANY(%(stoppable)s)
    RETURNING {RETURNING}
"""


@dataclass(frozen=True, slots=True)
class CommandState:
    """What decides whether a command applies to an execution, read while its row is locked."""

    id: UUID
    status: Status
    flow_name: str
    initiator_id: int | None
    debugger_id: int | None
    debugger: str
    debugged_since: datetime | None = None
    unhandled: bool = False


def lock(ids: Sequence[UUID]) -> None:
    """Lock executions, the families that stop with them, and what waits for their end."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, {**STATE_PARAMS, "ids": list(ids)})


def command_states(ids: Sequence[UUID]) -> dict[UUID, CommandState]:
    """Return the command states of executions; deleted ones are left out."""
    found = Execution.objects.filter(pk__in=ids).values_list(
        "pk",
        "status",
        "flow_name",
        "initiator_id",
        "debugged_by_id",
        "debugged_by__username",
        "debugged_since",
        "unhandled",
    )
    return {
        pk: CommandState(
            pk, Status(status), flow, initiator_id, debugger_id, debugger or "", since, failed
        )
        for pk, status, flow, initiator_id, debugger_id, debugger, since, failed in found
    }


def command_state_of(execution: Execution) -> CommandState:
    """Return the command state of an execution that was read before."""
    return CommandState(
        execution.pk,
        Status(execution.status),
        execution.flow_name,
        execution.initiator_id,
        execution.debugged_by_id,
        execution.debugged_by_name,
        execution.debugged_since,
        execution.unhandled,
    )


def stop(ids: Sequence[UUID]) -> list[ExecutionChanged]:
    """Live → Stopped or Stopping, with the families of those that were not stopping already."""
    return transitions.update(_STOP, ids=list(ids))


def pause(ids: Sequence[UUID]) -> list[ExecutionChanged]:
    """Queued or Running → Paused, or Pausing while a worker holds it."""
    return transitions.update(transitions.PAUSE, ids=list(ids))


def run_on(ids: Sequence[UUID]) -> list[ExecutionChanged]:
    """Paused or Exception → Queued, to run on."""
    return transitions.update(stepping.RUN_ON, ids=list(ids))


def run_one(ids: Sequence[UUID]) -> list[ExecutionChanged]:
    """Paused or Exception → Queued, to run one block."""
    return transitions.update(stepping.RUN_ONE, ids=list(ids))
