"""Guarded changes of what debugging keeps: breakpoints, how far it may run, who debugs it."""

import json
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import connection

from executions.engine.debugging import Breakpoint
from executions.events import COLUMNS, ExecutionChanged
from executions.models import Execution, KeptBreakpoint
from executions.store.debug.debug_plan import Plan, dumps, load
from executions.store.lifecycle.claims import RETURNING
from executions.store.lifecycle.transitions import CHANGE, QUEUE, one

# Setting --------------------------------------------------------------------------------------


def lock_plan(execution_id: UUID) -> Plan | None:
    """The plan of a live execution, locked until the transaction ends; None when it has ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT debug::text, debug_hits::text FROM executions_execution WHERE id = %s "
            "AND status IN ('Queued', 'Running', 'Pausing', 'Paused', 'Exception') FOR UPDATE",
            [execution_id],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    return load(*row)


def write_plan(execution_id: UUID, plan: Plan) -> ExecutionChanged:
    """Write a plan that `lock_plan` gave."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE executions_execution SET debug = %s::json, debug_hits = %s::json, {CHANGE} "
            f"WHERE id = %s RETURNING {RETURNING}",
            [
                dumps(plan),
                json.dumps(plan.counted) if plan.counted else None,
                execution_id,
            ],
        )
        return ExecutionChanged(*cursor.fetchone()[: len(COLUMNS)])


def keep(user_id: int, flow_name: str, block: str, breakpoint: Breakpoint | None) -> None:
    """Keep a breakpoint for a user's later executions of a flow, or forget it when None."""
    kept = KeptBreakpoint.objects.filter(user_id=user_id, flow_name=flow_name, block=block)
    if breakpoint is None:
        kept.delete()
        return
    KeptBreakpoint.objects.update_or_create(
        user_id=user_id, flow_name=flow_name, block=block, defaults=asdict(breakpoint)
    )


def kept(user_id: int, flow_name: str) -> dict[str, Breakpoint]:
    """The breakpoints that a user keeps for a flow, by block."""
    rows = KeptBreakpoint.objects.filter(user_id=user_id, flow_name=flow_name)
    return {
        row.block: Breakpoint(row.condition, row.hits, row.enabled)
        for row in rows.order_by("block")
    }


def version_of(execution_id: UUID) -> int:
    """The version that it runs now: an edited execution may have moved on to a newer one."""
    return int(Execution.objects.values_list("version_id", flat=True).get(pk=execution_id))


# Going on -------------------------------------------------------------------------------------

#: On an exception port the step just made counts as not passed: the way to the handler is one.
_AFTER = "step_count - CASE status WHEN 'Exception' THEN 1 ELSE 0 END"
HELD = "status IN ('Paused', 'Exception')"
#: How far it goes: on, and for one block with the number of its steps.
ON = "NULL"
ONE = (
    f"CASE status WHEN 'Exception' THEN json_build_object('after', {_AFTER}, 'level', 1000000) END",
    "CASE status WHEN 'Paused' THEN 1 END",
)
#: How many workspaces deep the token is; one that has not begun is about to be in the first.
_LEVEL = (
    "GREATEST(1, (SELECT count(*) FROM executions_token t "
    "WHERE t.execution_id = executions_execution.id))"
)


def run_on(execution_id: UUID) -> ExecutionChanged | None:
    """Paused or Exception → Queued, to run on."""
    return _resume(execution_id, ON)


def run_one(execution_id: UUID) -> ExecutionChanged | None:
    """Paused or Exception → Queued, to run one block, or to go from the port to the handler."""
    return _resume(execution_id, *ONE)


def run_over(execution_id: UUID) -> ExecutionChanged | None:
    """Paused or Exception → Queued, until the token is as deep as now, or less, again."""
    return _resume(execution_id, f"json_build_object('after', {_AFTER}, 'level', {_LEVEL})")


def run_out(execution_id: UUID) -> ExecutionChanged | None:
    """Paused or Exception in a nested workspace → Queued, until the token has left it."""
    return _resume(
        execution_id,
        f"json_build_object('after', {_AFTER}, 'level', {_LEVEL} - 1)",
        where=f"{_LEVEL} > 1",
    )


def run_to(execution_id: UUID, block: str) -> ExecutionChanged | None:
    """Paused or Exception → Queued, until the token stands above that block."""
    return _resume(
        execution_id, f"json_build_object('after', {_AFTER}, 'block', %(block)s::text)", block=block
    )


def _resume(
    execution_id: UUID, until: str, steps: str = "NULL", where: str = "true", **params: Any
) -> ExecutionChanged | None:
    return one(resuming(until, steps), f"{HELD} AND {where}", execution_id, **params)


def resuming(until: str, steps: str = "NULL") -> str:
    """What lets a paused execution go on, as far as is said."""
    return (
        f"{QUEUE}, place = '', steps_wanted = {steps}, run_until = {until}, "
        "passed_step = CASE status WHEN 'Paused' THEN step_count END"
    )


# Attaching ------------------------------------------------------------------------------------


def attach(execution_id: UUID, user: Any, plan: Plan) -> ExecutionChanged | None:
    """Live and debugged by nobody else → debugged by the user, with these breakpoints."""
    return one(
        f"debugged_by_id = %(user)s, debugged_by_name = %(name)s, debug = %(debug)s::json, "
        f"debugged_since = CASE WHEN debugged_by_id = %(user)s THEN debugged_since ELSE now() END, "
        f"{CHANGE}",
        "ended_at IS NULL AND coalesce(debugged_by_id, %(user)s) = %(user)s",
        execution_id,
        user=user.pk,
        name=user.get_username(),
        debug=dumps(plan),
    )


def detach(execution_id: UUID) -> ExecutionChanged | None:
    """Live and debugged → debugged by nobody, without breakpoints; a paused one becomes Queued."""
    paused = "status IN ('Paused', 'Exception')"
    return one(
        f"debugged_by_id = NULL, debugged_by_name = '', debugged_since = NULL, debug = NULL, "
        f"asked_by_id = NULL, asked_by_name = '', asked_at = NULL, "
        f"debug_hits = NULL, run_until = NULL, "
        f"steps_wanted = CASE WHEN {paused} THEN NULL ELSE steps_wanted END, "
        f"lease_expires_at = CASE WHEN {paused} THEN now() + make_interval(secs => %(requeue)s) "
        f"ELSE lease_expires_at END, "
        f"place = '', status = CASE WHEN {paused} THEN 'Queued' ELSE status END, {CHANGE}",
        "ended_at IS NULL AND debugged_by_id IS NOT NULL",
        execution_id,
    )
