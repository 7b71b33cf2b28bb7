"""How often the blocks of an execution were visited, and how long that took."""

from collections.abc import Mapping

from django.db import connection

from executions.models import Execution
from executions.retention.trimming import trimmed_steps

_VISITS = """
    SELECT block, port, sum(visits) FROM (
        SELECT block, port, count(*) AS visits FROM executions_step
        WHERE execution_id = %(id)s AND number <= %(last)s GROUP BY block, port
        UNION ALL
        SELECT block, port, visits FROM executions_trimmedvisits
        WHERE execution_id = %(id)s AND %(beyond_gap)s
    ) AS counted
    GROUP BY block, port
"""
_DURATIONS = """
    SELECT block, sum(duration) FROM executions_step
    WHERE execution_id = %(id)s AND number <= %(last)s GROUP BY block
"""


def visit_counts(execution: Execution, step: int | None = None) -> Mapping[tuple[str, str], int]:
    """Return how often each block was visited and left by each port, until `step` if it is given.

    Steps that are not kept count too.
    """
    last = execution.step_count if step is None else step
    with connection.cursor() as cursor:
        cursor.execute(
            _VISITS,
            {
                "id": execution.pk,
                "last": last,
                "beyond_gap": last >= trimmed_steps(execution.step_count).stop,
            },
        )
        return {(block, port): int(number) for block, port, number in cursor.fetchall()}


def block_durations(execution: Execution, step: int | None = None) -> Mapping[str, int]:
    """Return how many microseconds the visits of each block took, until `step` if it is given.

    Only steps that are kept count.
    """
    last = execution.step_count if step is None else step
    with connection.cursor() as cursor:
        cursor.execute(_DURATIONS, {"id": execution.pk, "last": last})
        return {block: int(microseconds) for block, microseconds in cursor.fetchall()}
