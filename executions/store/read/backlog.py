"""What is under way and what waits: read whole, for metrics."""

from dataclasses import dataclass

from django.db import connection

from executions.models import BulkJob
from executions.store.state_params import STATE_PARAMS

_LIVE = """
    SELECT flow_name, status, count(*)
    FROM executions_execution
    WHERE status = ANY(%(live)s)
    GROUP BY flow_name, status
"""
_OLDEST_QUEUED = """
    SELECT coalesce(extract(epoch FROM now() - min(updated_at)), 0)
    FROM executions_execution
    WHERE status = %(queued)s
"""
_OLDEST_JOB = """
    SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)
    FROM executions_bulkjob
    WHERE lease_expires_at IS NOT NULL AND status = %(job_queued)s
"""


@dataclass(frozen=True, slots=True)
class LiveCount:
    """How many executions of a flow are in a status that is not terminal."""

    flow_name: str
    status: str
    number: int


def live_counts() -> list[LiveCount]:
    """Return the number of live executions by flow and status."""
    with connection.cursor() as cursor:
        cursor.execute(_LIVE, STATE_PARAMS)
        return [LiveCount(*row) for row in cursor.fetchall()]


def oldest_queued_seconds() -> float:
    """Return for how long the execution that has waited longest is Queued; 0 when none is."""
    return _seconds(_OLDEST_QUEUED)


def oldest_job_seconds() -> float:
    """Return for how long the oldest bulk job waits to be started; 0 when none does."""
    return _seconds(_OLDEST_JOB)


def _seconds(statement: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**STATE_PARAMS, "job_queued": BulkJob.Status.QUEUED.value})
        return float(cursor.fetchone()[0])
