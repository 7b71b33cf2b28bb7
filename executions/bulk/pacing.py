"""Paced jobs: a few executions at a time, and none any more when too many of them fail.

A paced job watches the executions that it starts. What is known of them is in its results, so
another worker goes on where one has died.
"""

from datetime import UTC, datetime

from django.db import transaction

from executions.bulk import jobs
from executions.models import BulkJob, BulkResult, Execution
from executions.states import TERMINAL, Status

Outcome = BulkResult.Outcome
_EARLIEST = datetime.min.replace(tzinfo=UTC)


def record_ended(job: BulkJob, owner: str) -> bool | None:
    """Record which of the started executions have ended, in the order in which they did. Returns
    whether any has; None if the lease is lost."""
    with transaction.atomic():
        live = {one.started_as: one for one in job.results.filter(outcome=Outcome.LIVE)}
        if not live:
            return False
        started = Execution.objects.filter(pk__in=[key for key in live if key])
        known = {one.pk: one for one in started.only("id", "status", "unhandled", "ended_at")}
        ended = [
            (known[key].ended_at or _EARLIEST, result, _ended_well(known[key]))
            for key, result in live.items()
            if key in known and known[key].status in TERMINAL
        ]
        # One that was deleted meanwhile counts as no success.
        ended += [(_EARLIEST, result, False) for key, result in live.items() if key not in known]
        if not ended:
            return False
        for _, result, well in sorted(ended, key=lambda one: one[0]):
            result.outcome = Outcome.ENDED if well else Outcome.FAILED
            job.ended_well += well
            job.failed += not well
            job.failed_in_row = 0 if well else job.failed_in_row + 1
        BulkResult.objects.bulk_update([result for _, result, _ in ended], ["outcome"])
        if not jobs.record_ends(job, owner):
            transaction.set_rollback(True)
            return None
    return True


def _ended_well(execution: Execution) -> bool:
    return execution.status == Status.ENDED and not execution.unhandled


def count_live(job: BulkJob) -> int:
    """How many executions that it has started have not ended, as far as it knows."""
    return job.results.filter(outcome=Outcome.LIVE).count()


def room(job: BulkJob) -> int:
    """How many executions a paced job may start now."""
    most = 1 if job.one_first else job.at_a_time or 0
    return max(most - count_live(job), 0)


def why_suspend(job: BulkJob) -> str:
    """Why a paced job should go no further until somebody has looked; "" when it should."""
    if job.one_first and job.ended_well + job.failed:
        how = "ended well" if job.ended_well else "failed"
        return f"The first one {how}. Resume goes on with the others."
    if job.stop_after and job.failed_in_row >= job.stop_after:
        return f"{job.failed_in_row} in a row failed. Resume goes on with the others."
    return ""
