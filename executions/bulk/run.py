"""Runs a bulk job: one batch with its results in each transaction, for a time slice.

Then the job goes back to the queue, so that others get the worker too.
"""

import logging
import time
from uuid import UUID

from django.db import transaction

from executions.bulk import jobs, targets
from executions.commands.actor import Actor
from executions.commands.registry import COMMANDS
from executions.commands.request import CommandRequest
from executions.commands.run import run_commands
from executions.limits import BULK_BATCH, BULK_SLICE_SECONDS
from executions.models import BulkJob, BulkRefusal
from flows import values

logger = logging.getLogger(__name__)
#: Seconds between two notifications of its pages.
_NOTIFY_EVERY = 0.3


class LeaseLost(Exception):
    """Another worker has taken over the job."""


def run(job_id: UUID, owner: str) -> None:
    """Run batches of a job until it or its time slice is over."""
    job = jobs.claim(job_id, owner)
    if job is None:
        return
    jobs.notify(job)
    ends = time.monotonic() + BULK_SLICE_SECONDS
    notified = 0.0
    try:
        while not jobs.is_cancelled(job) and _run_batch(job, owner):
            now = time.monotonic()
            if now > notified + _NOTIFY_EVERY:
                notified = now
                jobs.notify(job)
            if now > ends:
                jobs.release(job, owner)
                return
    except LeaseLost:
        return
    except Exception as problem:
        # It is tried again later, a few times. Without a database, the lease expires.
        logger.exception("A batch of the job %s failed", job.pk)
        jobs.record_failure(job, owner, f"{type(problem).__name__}: {problem}")
        jobs.notify(job)
        return
    jobs.finish(job, owner)
    jobs.notify(job)


def _run_batch(job: BulkJob, owner: str) -> bool:
    """Run the next batch. Returns whether there was one."""
    # Commands that run one by one lock rows in no order, so they hold few of them at a time.
    size = BULK_BATCH if COMMANDS[job.command].execute_batch else BULK_BATCH // 10
    actor = Actor(job.user_id, job.user.get_username(), "bulk job", job.address)
    with transaction.atomic():
        batch, cursor = targets.next_batch(job, job.user, size)
        if not batch:
            return False
        fields, seen = values.decode(job.fields), targets.seen_statuses(job)
        requests = [CommandRequest(one, job.user, actor, fields, seen.get(one.pk)) for one in batch]
        results = run_commands(job.command, requests)
        refused = [result for result in results if not result.done]
        BulkRefusal.objects.bulk_create(
            BulkRefusal(
                job=job,
                execution_id=result.execution.pk,
                flow_name=result.execution.flow_name,
                reason=result.detail,
            )
            for result in refused
        )
        if not jobs.record_progress(job, owner, len(results) - len(refused), len(refused), cursor):
            raise LeaseLost
    return True
