"""Runs a bulk job: one batch with its results in each transaction, for a time slice.

Then the job goes back to the queue, so that others get the worker too.
"""

import logging
import time
from uuid import UUID

from django.db import transaction

from executions import api_tokens
from executions.bulk import jobs, pacing, targets
from executions.commands.actor import Actor
from executions.commands.registry import COMMANDS
from executions.commands.request import CommandRequest
from executions.commands.run import CommandResult, run_commands
from executions.limits import BULK_BATCH, BULK_IDLE_SECONDS, BULK_SLICE_SECONDS
from executions.models import BulkJob, BulkResult
from flows import values

logger = logging.getLogger(__name__)
Outcome = BulkResult.Outcome
#: Seconds between two notifications of its pages, and between two looks at what it has started.
_NOTIFY_EVERY = 0.3
_LOOK_EVERY = 0.05


class LeaseLost(Exception):
    """Another worker has taken over the job."""


def run(job_id: UUID, owner: str) -> None:
    """Run batches of a job until it or its time slice is over."""
    job = jobs.claim(job_id, owner)
    if job is None:
        return
    jobs.notify(job)
    try:
        if why := _limit_to_asker(job):
            jobs.give_up(job, owner, why)
        else:
            _run_slice(job, owner)
    except LeaseLost:
        return
    except Exception as problem:
        # It is tried again later, a few times. Without a database, the lease expires.
        logger.exception("A batch of the job %s failed", job.pk)
        jobs.record_failure(job, owner, f"{type(problem).__name__}: {problem}")
    jobs.notify(job)


def _limit_to_asker(job: BulkJob) -> str:
    """Give a job the rights of the API token with which it was asked for, if it was. Returns why it
    may not go on: its user or its token has ended. Empty when it may."""
    if not job.user.is_active:
        return f"The account {job.user.get_username()}, which gave the command, is not active."
    if job.token_id is not None and not api_tokens.limit(job.user, job.token_id):
        return "The API token with which the command was given has ended."
    return ""


def _run_slice(job: BulkJob, owner: str) -> None:
    """Run batches for a time slice, then end the job or give it up for others."""
    ends = time.monotonic() + BULK_SLICE_SECONDS
    notified = moved = time.monotonic()
    while not jobs.is_interrupted(job):
        if job.at_a_time:
            has_moved, is_done = _pace(job, owner)
            if why := pacing.why_suspend(job):
                job.one_first = False
                jobs.record_ends(job, owner)
                jobs.suspend_itself(job, owner, why)
                return
        else:
            has_moved = _run_batch(job, owner, _batch_size(job))
            is_done = not has_moved
        if is_done:
            break
        now = time.monotonic()
        if has_moved:
            moved = now
        elif now > moved + BULK_IDLE_SECONDS:
            jobs.park(job, owner)
            return
        else:
            time.sleep(_LOOK_EVERY)
        if now > notified + _NOTIFY_EVERY:
            notified = now
            jobs.notify(job)
        if now > ends:
            jobs.release(job, owner)
            return
    jobs.finish(job, owner)


def _batch_size(job: BulkJob) -> int:
    # Commands that run one by one lock rows in no order, so they hold few of them at a time.
    return BULK_BATCH if COMMANDS[job.command].execute_batch else BULK_BATCH // 10


def _pace(job: BulkJob, owner: str) -> tuple[bool, bool]:
    """Record what has ended, and start as many as there is room for. Returns whether anything has
    moved, and whether all is done."""
    has_moved = pacing.record_ended(job, owner)
    if has_moved is None:
        raise LeaseLost
    room = 0 if pacing.why_suspend(job) else pacing.room(job)
    if room == 0:
        return has_moved, False
    has_started = _run_batch(job, owner, min(room, _batch_size(job)))
    return has_moved or has_started, not has_started and pacing.count_live(job) == 0


def _run_batch(job: BulkJob, owner: str, size: int) -> bool:
    """Run the next batch. Returns whether there was one."""
    actor = Actor.of_user(job.user, "bulk job", job.address)
    with transaction.atomic():
        batch, cursor = targets.next_batch(job, job.user, size)
        if not batch:
            return False
        fields, seen = values.decode(job.fields), targets.seen_statuses(job)
        requests = [CommandRequest(one, job.user, actor, fields, seen.get(one.pk)) for one in batch]
        results = run_commands(job.command, requests)
        BulkResult.objects.bulk_create(_result(job, result) for result in results)
        refused = sum(not result.done for result in results)
        if not jobs.record_progress(job, owner, len(results) - refused, refused, cursor):
            raise LeaseLost
    return True


def _result(job: BulkJob, result: CommandResult) -> BulkResult:
    done = Outcome.LIVE if job.at_a_time and result.started else Outcome.DONE
    return BulkResult(
        job=job,
        execution_id=result.execution.pk,
        flow_name=result.execution.flow_name,
        outcome=done if result.done else Outcome.REFUSED,
        detail=result.detail,
        started_as=result.started,
    )
