"""Running a bulk job: a batch a transaction, with what it came to, for a time slice; then the job
goes back to the queue, so that it starves nobody and nobody waits for it to end."""

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
#: Its pages hear of it at most every that many seconds.
_TELL_EVERY = 0.3


class LeaseLost(Exception):
    """Another worker has taken the job over."""


def run(job_id: UUID, owner: str) -> None:
    """Go on with a job until it is over or its slice is."""
    job = jobs.claim(job_id, owner)
    if job is None:
        return
    jobs.notify(job)
    ends = time.monotonic() + BULK_SLICE_SECONDS
    told = 0.0
    try:
        while not jobs.is_cancelled(job) and _run_batch(job, owner):
            now = time.monotonic()
            if now > told + _TELL_EVERY:
                told = now
                jobs.notify(job)
            if now > ends:
                jobs.release(job, owner)
                return
    except LeaseLost:
        return
    except Exception as problem:
        # Tried again later, but not for ever. Without a database the lease runs out.
        logger.exception("A batch of the job %s failed", job.pk)
        jobs.record_failure(job, owner, f"{type(problem).__name__}: {problem}")
        jobs.notify(job)
        return
    jobs.finish(job, owner)
    jobs.notify(job)


def _run_batch(job: BulkJob, owner: str) -> bool:
    """Whether there was anything left to do."""
    # What goes one by one takes its rows in no order: it holds few of them at a time.
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
