"""Guarded transitions that let a paused execution go on, as far as a person says."""

from uuid import UUID

from executions.events import ExecutionChanged
from executions.store.lifecycle.claims import RETURNING
from executions.store.lifecycle.transitions import QUEUE, update_one

#: On an exception port the step just made counts as not passed: the way to the handler is one.
_AFTER = "step_count - CASE status WHEN %(exception)s THEN 1 ELSE 0 END"
#: How many workspaces deep the token is; one that has not begun is about to be in the first.
_LEVEL = """GREATEST(1, (
    SELECT count(*) FROM executions_token t WHERE t.execution_id = executions_execution.id
))"""
#: What lets a paused execution go on.
_RESUMED = f"""
    {QUEUE}, place = '', passed_step = CASE status WHEN %(paused)s THEN step_count END
"""
RUN_ON = f"""
    UPDATE executions_execution SET {_RESUMED}, steps_wanted = NULL, run_until = NULL
    WHERE id = ANY(%(ids)s) AND status = ANY(%(resumable)s)
    RETURNING {RETURNING}
"""
RUN_ONE = f"""
    UPDATE executions_execution SET {_RESUMED},
        steps_wanted = CASE status WHEN %(paused)s THEN 1 END,
        run_until = CASE status
            WHEN %(exception)s THEN json_build_object('after', {_AFTER}, 'level', 1000000)
        END
    WHERE id = ANY(%(ids)s) AND status = ANY(%(resumable)s)
    RETURNING {RETURNING}
"""
_RUN_OVER = f"""
    UPDATE executions_execution SET {_RESUMED}, steps_wanted = NULL,
        run_until = json_build_object('after', {_AFTER}, 'level', {_LEVEL})
    WHERE id = ANY(%(ids)s) AND status = ANY(%(resumable)s)
    RETURNING {RETURNING}
"""
_RUN_OUT = f"""
    UPDATE executions_execution SET {_RESUMED}, steps_wanted = NULL,
        run_until = json_build_object('after', {_AFTER}, 'level', {_LEVEL} - 1)
    WHERE id = ANY(%(ids)s) AND status = ANY(%(resumable)s) AND {_LEVEL} > 1
    RETURNING {RETURNING}
"""
_RUN_TO = f"""
    UPDATE executions_execution SET {_RESUMED}, steps_wanted = NULL,
        run_until = json_build_object('after', {_AFTER}, 'block', %(block)s::text)
    WHERE id = ANY(%(ids)s) AND status = ANY(%(resumable)s)
    RETURNING {RETURNING}
"""


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
