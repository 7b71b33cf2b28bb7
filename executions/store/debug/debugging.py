"""Guarded changes of what debugging keeps: breakpoints, how far it may run, who debugs it."""

import json
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import connection

from executions.engine.debugging import Breakpoint
from executions.events import ExecutionChanged
from executions.models import Execution, KeptBreakpoint
from executions.store.debug.debug_plan import Plan, dumps, load
from executions.store.lifecycle.claims import RETURNING
from executions.store.lifecycle.transitions import CHANGE, QUEUE, update_one
from executions.store.status_params import STATUS_PARAMS

_LOCK_PLAN = """
    SELECT debug::text, debug_hits::text FROM executions_execution
    WHERE id = %(id)s AND status = ANY(%(stoppable)s)
    FOR UPDATE
"""
_WRITE_PLAN = f"""
    UPDATE executions_execution SET debug = %(debug)s::json, debug_hits = %(hits)s::json, {CHANGE}
    WHERE id = %(id)s
    RETURNING {RETURNING}
"""

#: On an exception port the step just made counts as not passed: the way to the handler is one.
_AFTER = "step_count - CASE status WHEN %(Exception)s THEN 1 ELSE 0 END"
#: How many workspaces deep the token is; one that has not begun is about to be in the first.
_LEVEL = """GREATEST(1, (
    SELECT count(*) FROM executions_token t WHERE t.execution_id = executions_execution.id
))"""
#: What lets a paused execution go on.
_RESUMED = f"""
    {QUEUE}, place = '', passed_step = CASE status WHEN %(Paused)s THEN step_count END
"""
RUN_ON = f"""
    UPDATE executions_execution SET {_RESUMED}, steps_wanted = NULL, run_until = NULL
    WHERE id = ANY(%(ids)s) AND status = ANY(%(held)s)
    RETURNING {RETURNING}
"""
RUN_ONE = f"""
    UPDATE executions_execution SET {_RESUMED},
        steps_wanted = CASE status WHEN %(Paused)s THEN 1 END,
        run_until = CASE status
            WHEN %(Exception)s THEN json_build_object('after', {_AFTER}, 'level', 1000000)
        END
    WHERE id = ANY(%(ids)s) AND status = ANY(%(held)s)
    RETURNING {RETURNING}
"""
_RUN_OVER = f"""
    UPDATE executions_execution SET {_RESUMED}, steps_wanted = NULL,
        run_until = json_build_object('after', {_AFTER}, 'level', {_LEVEL})
    WHERE id = ANY(%(ids)s) AND status = ANY(%(held)s)
    RETURNING {RETURNING}
"""
_RUN_OUT = f"""
    UPDATE executions_execution SET {_RESUMED}, steps_wanted = NULL,
        run_until = json_build_object('after', {_AFTER}, 'level', {_LEVEL} - 1)
    WHERE id = ANY(%(ids)s) AND status = ANY(%(held)s) AND {_LEVEL} > 1
    RETURNING {RETURNING}
"""
_RUN_TO = f"""
    UPDATE executions_execution SET {_RESUMED}, steps_wanted = NULL,
        run_until = json_build_object('after', {_AFTER}, 'block', %(block)s::text)
    WHERE id = ANY(%(ids)s) AND status = ANY(%(held)s)
    RETURNING {RETURNING}
"""
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
        steps_wanted = CASE WHEN status = ANY(%(held)s) THEN NULL ELSE steps_wanted END,
        lease_expires_at = CASE
            WHEN status = ANY(%(held)s) THEN now() + make_interval(secs => %(requeue)s)
            ELSE lease_expires_at
        END,
        place = '', status = CASE WHEN status = ANY(%(held)s) THEN %(Queued)s ELSE status END,
        {CHANGE}
    WHERE id = ANY(%(ids)s) AND ended_at IS NULL AND debugged_by_id IS NOT NULL
    RETURNING {RETURNING}
"""

# Setting --------------------------------------------------------------------------------------


def lock_plan(execution_id: UUID) -> Plan | None:
    """The plan of a live execution, locked until the transaction ends; None when it has ended, or
    is about to."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_PLAN, {**STATUS_PARAMS, "id": execution_id})
        row = cursor.fetchone()
    return None if row is None else load(*row)


def write_plan(execution_id: UUID, plan: Plan) -> ExecutionChanged:
    """Write a plan that `lock_plan` gave."""
    hits = json.dumps(plan.counted) if plan.counted else None
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_PLAN, {"id": execution_id, "debug": dumps(plan), "hits": hits})
        return ExecutionChanged(*cursor.fetchone())


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


def run_on(execution_id: UUID) -> ExecutionChanged | None:
    """Paused or Exception → Queued, to run on."""
    return update_one(RUN_ON, execution_id)


def run_one(execution_id: UUID) -> ExecutionChanged | None:
    """Paused or Exception → Queued, to run one block, or to go from the port to the handler."""
    return update_one(RUN_ONE, execution_id)


def run_over(execution_id: UUID) -> ExecutionChanged | None:
    """Paused or Exception → Queued, until the token is as deep as now, or less, again."""
    return update_one(_RUN_OVER, execution_id)


def run_out(execution_id: UUID) -> ExecutionChanged | None:
    """Paused or Exception in a nested workspace → Queued, until the token has left it."""
    return update_one(_RUN_OUT, execution_id)


def run_to(execution_id: UUID, block: str) -> ExecutionChanged | None:
    """Paused or Exception → Queued, until the token stands above that block."""
    return update_one(_RUN_TO, execution_id, block=block)


# Attaching ------------------------------------------------------------------------------------


def attach(execution_id: UUID, user: Any, plan: Plan) -> ExecutionChanged | None:
    """Live and debugged by nobody else → debugged by the user, with these breakpoints."""
    name = user.get_username()
    return update_one(_ATTACH, execution_id, user=user.pk, name=name, debug=dumps(plan))


def detach(execution_id: UUID) -> ExecutionChanged | None:
    """Live and debugged → debugged by nobody, without breakpoints; a paused one becomes Queued."""
    return update_one(_DETACH, execution_id)
