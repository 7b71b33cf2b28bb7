"""Creates, cancels, suspends and claims bulk jobs.

A job is claimed as an execution is: by a lease with an owner and an expiry, which recovery checks.
A queued job has an expiry too, after which its message counts as lost.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from kombu.exceptions import OperationalError

from executions.bulk.targets import Target
from executions.commands.actor import Actor
from executions.events import BULK_JOB_CHANGED
from executions.limits import (
    BULK_PARK_SECONDS,
    LEASE_SECONDS,
    MAX_BULK_FAILURES,
    REQUEUE_SECONDS,
)
from executions.models import BulkJob
from executions.publishing import announce
from flows import values

TASK = "executions.tasks.run_bulk_job"
logger = logging.getLogger(__name__)
S = BulkJob.Status
#: Characters of an error that are kept.
_PROBLEM = 2_000
_LOST = f"Its worker has ended, or took longer than {LEASE_SECONDS:g} s for a batch."


@dataclass(frozen=True, slots=True)
class Pace:
    """How a job waits for the executions that it starts: `at_a_time` of them may be live. After
    `stop_after` that failed in a row (0: never), and with `one_first` after the first, it suspends
    itself."""

    at_a_time: int
    stop_after: int = 0
    one_first: bool = False


def create(  # noqa: PLR0913 (what a job is: who, what, for which, how)
    actor: Actor,
    command: str,
    fields: Mapping[str, str],
    target: Target,
    expected: int | None,
    pace: Pace | None = None,
) -> BulkJob:
    """Create a job and, on commit, send the message that names it. `expected` is the number of
    executions, or None if they were too many to count."""
    now = timezone.now()
    job = BulkJob.objects.create(
        user_id=int(actor.user_id or 0),
        token_id=actor.token_id,
        address=actor.address,
        command=command,
        fields=values.encode(dict(fields)),  # JSON takes no NUL
        chosen=None if target.chosen is None else dict(target.chosen),
        filters=target.filters,
        zone=timezone.get_current_timezone_name(),
        child_first=target.child_first,
        expected=expected,
        **(asdict(pace) if pace else {}),
        created_at=now,
        lease_expires_at=now + timedelta(seconds=REQUEUE_SECONDS),
    )
    send(job.pk)
    return job


def send(job_id: UUID) -> None:
    """Send the message that names a job, on commit."""
    transaction.on_commit(partial(_send, job_id))


def _send(job_id: UUID) -> None:
    try:
        current_app.send_task(TASK, [str(job_id)], retry=False)
    except OperationalError as error:
        logger.warning("The message for the job %s will be sent again: %s", job_id, error)


def cancel(job: BulkJob) -> bool:
    """Ask a job to end after the batch that is running. Returns False if it is over, or was asked
    before. What was done stays done."""
    over = {"ended_at": timezone.now(), "lease_expires_at": None}
    with _locked(job):
        return _ask(job, (S.QUEUED, S.SUSPENDED), S.CANCELLED, over) or _ask(
            job, (S.RUNNING, S.SUSPENDING), S.CANCELLING
        )


def suspend(job: BulkJob) -> bool:
    """Ask a job to wait, after the batch that is running, until somebody resumes it. Returns False
    if it is over, or was asked to end or to wait before."""
    with _locked(job):
        free = {"lease_expires_at": None}
        return _ask(job, BulkJob.ACTIVE, S.SUSPENDED, free, free=True) or _ask(
            job, (S.RUNNING,), S.SUSPENDING
        )


def resume(job: BulkJob) -> bool:
    """Let a suspended job go on. Returns False if it is not suspended."""
    again = {"failed_in_row": 0, "problem": ""}
    requeue = timezone.now() + timedelta(seconds=REQUEUE_SECONDS)
    with _locked(job):
        if _ask(job, (S.SUSPENDED,), S.QUEUED, {**again, "lease_expires_at": requeue}):
            send(job.pk)
            return True
        return _ask(job, (S.SUSPENDING,), S.RUNNING, again)


#: What a user may do to a job, and what is said when it cannot be done any more.
CONTROLS = {
    "cancel": (cancel, "The job has already ended."),
    "suspend": (suspend, "The job has already ended, or is suspended already."),
    "resume": (resume, "The job is not suspended any more."),
}


@contextmanager
def _locked(job: BulkJob) -> Iterator[None]:
    """Hold a job's row, so that the statements in it, each for other statuses, see the same one."""
    with transaction.atomic():
        list(BulkJob.objects.select_for_update().filter(pk=job.pk).values_list("pk"))
        yield


def _ask(
    job: BulkJob,
    sources: Sequence[str],
    target: str,
    columns: Mapping[str, Any] | None = None,
    *,
    free: bool = False,
) -> bool:
    """Change the status of a job, if it is one of these; with `free`, if no worker holds it."""
    jobs = BulkJob.objects.filter(pk=job.pk, status__in=sources)
    if free:
        jobs = jobs.filter(lease_owner="")
    changed = bool(jobs.update(status=target, **(columns or {})))
    if changed:
        notify(job)
    return changed


def claim(job_id: UUID, owner: str) -> BulkJob | None:
    """Take the lease of a job that no worker holds; None if there is nothing to do."""
    now = timezone.now()
    free = Q(lease_owner="") | Q(lease_expires_at__lt=now)
    jobs = BulkJob.objects.filter(pk=job_id).exclude(status__in=(*BulkJob.OVER, S.SUSPENDED))
    # In one statement: who cancels a queued job must not find it queued and held.
    taken = jobs.filter(free).update(
        status=Case(When(status=S.QUEUED, then=Value(S.RUNNING)), default=F("status")),
        started_at=Coalesce("started_at", Value(now)),
        lease_owner=owner,
        lease_expires_at=now + timedelta(seconds=LEASE_SECONDS),
    )
    if not taken:
        return None
    return BulkJob.objects.select_related("user").get(pk=job_id)


def release(job: BulkJob, owner: str) -> None:
    """Give up the lease and queue the job again, because others wait for the worker too."""
    requeue = timezone.now() + timedelta(seconds=REQUEUE_SECONDS)
    if _owned(job, owner).update(lease_owner="", lease_expires_at=requeue):
        send(job.pk)


def park(job: BulkJob, owner: str) -> None:
    """Give up the lease until recovery comes by: what the job has started has not ended."""
    later = timezone.now() + timedelta(seconds=BULK_PARK_SECONDS)
    _owned(job, owner).update(lease_owner="", lease_expires_at=later)


def record_progress(job: BulkJob, owner: str, done: int, refused: int, cursor: str) -> bool:
    """Record the results of a batch, in its transaction. Returns False if the lease is lost."""
    job.done, job.refused, job.cursor = job.done + done, job.refused + refused, cursor
    job.failures = 0
    expires = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    return bool(
        _owned(job, owner).update(
            done=job.done,
            refused=job.refused,
            cursor=cursor,
            failures=0,
            problem="",
            lease_expires_at=expires,
        )
    )


def record_failure(job: BulkJob, owner: str, problem: str) -> None:
    """Record that a batch failed. It is tried again after a while; after the last attempt, the job
    has failed."""
    job.failures += 1
    is_over = job.failures >= MAX_BULK_FAILURES
    now = timezone.now()
    later = now + timedelta(seconds=REQUEUE_SECONDS)
    then = _failed(now) if is_over else {"lease_owner": "", "lease_expires_at": later}
    _owned(job, owner).update(failures=job.failures, problem=problem[:_PROBLEM], **then)


def give_up(job: BulkJob, owner: str, why: str) -> None:
    """End a job that may not go on, and say why."""
    _owned(job, owner).update(problem=why, **_failed(timezone.now()))


def record_ends(job: BulkJob, owner: str) -> bool:
    """Record how executions ended that a paced job has started, in the transaction of their
    results. Returns False if the lease is lost."""
    counted = ("ended_well", "failed", "failed_in_row", "one_first")
    expires = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    columns: dict[str, Any] = {name: getattr(job, name) for name in counted}
    return bool(_owned(job, owner).update(**columns, lease_expires_at=expires))


def suspend_itself(job: BulkJob, owner: str, why: str) -> None:
    """Suspend a job that its worker holds, and say why. Somebody may have cancelled it."""
    running = _owned(job, owner).filter(status__in=(S.RUNNING, S.SUSPENDING))
    if not running.update(status=S.SUSPENDED, problem=why, lease_owner="", lease_expires_at=None):
        finish(job, owner)


def is_interrupted(job: BulkJob) -> bool:
    """Whether somebody has cancelled or suspended the job."""
    asked = BulkJob.objects.filter(pk=job.pk, status__in=(S.CANCELLING, S.SUSPENDING))
    return asked.exists()


def finish(job: BulkJob, owner: str) -> None:
    """End a job whose last batch is done, or that was cancelled; suspend one that is to wait."""
    over = {"ended_at": timezone.now(), "lease_owner": "", "lease_expires_at": None}
    owned = _owned(job, owner)
    with _locked(job):
        owned.filter(status=S.RUNNING).update(status=S.DONE, **over)
        owned.filter(status=S.CANCELLING).update(status=S.CANCELLED, **over)
        owned.filter(status=S.SUSPENDING).update(status=S.SUSPENDED, **over | {"ended_at": None})


def notify(job: BulkJob) -> None:
    """Notify the pages of its user, on commit."""
    announce({"type": BULK_JOB_CHANGED, "user": job.user_id, "id": str(job.pk)})


def recover() -> int:
    """Queue jobs again whose message was lost or whose worker died. Returns how many."""
    now = timezone.now()
    lost = BulkJob.objects.filter(lease_expires_at__lt=now).exclude(status__in=BulkJob.OVER)
    found = list(lost.values_list("pk", flat=True)[:100])
    later = now + timedelta(seconds=REQUEUE_SECONDS)
    held = lost.filter(pk__in=found).exclude(lease_owner="")
    failure = {"failures": F("failures") + 1, "problem": _LOST}
    ended = list(held.filter(failures__gte=MAX_BULK_FAILURES - 1))
    held.filter(pk__in=[job.pk for job in ended]).update(**failure, **_failed(now))
    held.update(**failure)
    # An owner that wakes up later finds that its lease is gone.
    lost.filter(pk__in=found).update(lease_owner="", lease_expires_at=later)
    for job in ended:
        notify(job)
    again = set(found) - {job.pk for job in ended}
    for job_id in again:
        send(job_id)
    return len(again)


def delete_old() -> None:
    """Delete jobs that ended longer ago than executions are kept. What they did is in the audit."""
    if settings.RETENTION_DAYS > 0:
        cut = timezone.now() - timedelta(days=settings.RETENTION_DAYS)
        BulkJob.objects.filter(ended_at__lt=cut).delete()


def _failed(now: datetime) -> dict[str, Any]:
    return {"status": S.FAILED, "ended_at": now, "lease_owner": "", "lease_expires_at": None}


def _owned(job: BulkJob, owner: str) -> QuerySet[BulkJob]:
    return BulkJob.objects.filter(pk=job.pk, lease_owner=owner)
