"""The breakpoints of one execution, in its debug plan."""

import json
from uuid import UUID

from django.db import connection

from executions.events import ExecutionChanged
from executions.models import Execution
from executions.store.debug_plan import DebugPlan, dumps, load
from executions.store.lifecycle.claims import RETURNING
from executions.store.lifecycle.transitions import CHANGE
from executions.store.state_params import STATE_PARAMS

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


def lock_plan(execution_id: UUID) -> DebugPlan | None:
    """Return the debug plan of an execution and lock its row until the transaction ends.

    None when the execution has ended or is stopping.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_PLAN, {**STATE_PARAMS, "id": execution_id})
        row = cursor.fetchone()
    return None if row is None else load(*row)


def write_plan(execution_id: UUID, plan: DebugPlan) -> ExecutionChanged:
    """Write a plan that `lock_plan` returned."""
    hits = json.dumps(plan.counted) if plan.counted else None
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_PLAN, {"id": execution_id, "debug": dumps(plan), "hits": hits})
        return ExecutionChanged(*cursor.fetchone())


def version_of(execution_id: UUID) -> int:
    """Return the version that an execution runs now: it may have moved to a newer one."""
    return int(Execution.objects.values_list("version_id", flat=True).get(pk=execution_id))
