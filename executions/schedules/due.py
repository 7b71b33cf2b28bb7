"""Starts what schedules are due.

Any number of processes may do so at once. One claims a batch of due schedules with locks that the
others skip, and starts their executions, writes down what became of their times and plans the next
ones in the same transaction: a process that dies has done all of that or nothing.
"""

import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils import timezone

from executions import audit
from executions.commands.actor import Actor
from executions.dispatch import enqueue_many
from executions.limits import (
    SCHEDULE_BATCH,
    SCHEDULE_MISSED_COUNTED,
    SCHEDULE_ON_TIME_SECONDS,
    SCHEDULE_SLICE_SECONDS,
)
from executions.models import Execution, Schedule, SchedulePause, ScheduleRun
from executions.publishing import publish
from executions.schedules import inputs, timing
from executions.schedules.cron import CronError
from executions.schedules.excluded import CalendarError
from executions.schedules.inputs import InvalidInputs
from executions.store.lifecycle.starts import (
    NotStarted,
    StartRequest,
    event_of_new,
    insert_all,
    new_execution,
)
from flows.access import may_start
from flows.formatting import duration
from flows.graph import Message
from flows.models import FlowVersion

logger = logging.getLogger(__name__)
Outcome = ScheduleRun.Outcome

_STORE = """
    UPDATE executions_schedule s SET
        next_at = n.next_at, due_at = n.due_at, last_at = n.last_at,
        problem = n.problem, problem_at = n.problem_at
    FROM unnest(
        %(ids)s::bigint[], %(next)s::timestamptz[], %(due)s::timestamptz[],
        %(last)s::timestamptz[], %(problems)s::text[], %(problems_at)s::timestamptz[]
    ) AS n (id, next_at, due_at, last_at, problem, problem_at)
    WHERE s.id = n.id
"""


class CannotStart(Exception):
    """Why an execution was not started, for whoever reads the schedule."""


@dataclass(slots=True)
class Round:
    """What one batch reads once for all of its schedules, and what it makes."""

    now: datetime
    pause: SchedulePause | None
    versions: dict[int, FlowVersion]
    owners: Mapping[int, AbstractUser]
    live: set[int]
    waiting: set[int]
    executions: list[tuple[Execution, Actor]] = field(default_factory=list)
    runs: list[ScheduleRun] = field(default_factory=list)

    @classmethod
    def of(cls, schedules: Sequence[Schedule]) -> "Round":
        """Read what the schedules need: a handful of queries, however many they are."""
        ids = [one.pk for one in schedules]
        people = get_user_model()._default_manager
        live = Execution.objects.filter(schedule_id__in=ids, ended_at=None)
        waiting = ScheduleRun.objects.filter(schedule__in=ids, outcome=Outcome.WAITING)
        return cls(
            _time_of_database(),
            SchedulePause.objects.first(),
            _newest({one.flow_id for one in schedules}),
            people.in_bulk({one.owner_id for one in schedules if one.owner_id}),
            {one for one in live.values_list("schedule_id", flat=True) if one},
            set(waiting.values_list("schedule_id", flat=True)),
        )

    def record(self, schedule: Schedule, at: datetime, outcome: str, **columns: Any) -> ScheduleRun:
        """Write down what became of a time."""
        run = ScheduleRun(
            schedule=schedule, scheduled_at=at, at=self.now, outcome=outcome, **columns
        )
        self.runs.append(run)
        return run

    def start(self, schedule: Schedule, run: ScheduleRun, actor: Actor, user: Any) -> None:
        """Prepare an execution; why there is none is kept with the schedule."""
        try:
            execution = self._execution(schedule, run.scheduled_at, actor, user)
        except CannotStart as problem:
            run.outcome, run.detail = Outcome.FAILED, str(problem)
            schedule.problem, schedule.problem_at = str(problem), self.now
            return
        run.outcome, run.execution_id = Outcome.STARTED, execution.pk
        schedule.problem, schedule.problem_at = "", None
        self.executions.append((execution, actor))

    def _execution(
        self, schedule: Schedule, due: datetime, actor: Actor, user: AbstractUser | None
    ) -> Execution:
        if user is None or not may_start(user, schedule.flow):
            raise CannotStart(_no_right(user))
        version = schedule.version or self.versions.get(schedule.flow_id)
        if version is None:
            raise CannotStart("The flow has no published version. Publish one.")
        try:
            return new_execution(
                StartRequest(
                    version,
                    inputs.evaluate(schedule, self.now, due),
                    initiator_id=actor.user_id,
                    initiator_name=actor.name,
                    trigger=Execution.Trigger.SCHEDULE,
                    giver_id=schedule.owner_id,
                    schedule_id=schedule.pk,
                ),
                self.now,
            )
        except (NotStarted, InvalidInputs) as stopped:
            raise CannotStart(_told(stopped.messages)) from None

    def write(self, schedules: Iterable[Schedule]) -> None:
        """Write all of it, and have what was started executed after the commit."""
        made = [execution for execution, _ in self.executions]
        insert_all(made)
        waited = [run for run in self.runs if run.pk is not None]
        ScheduleRun.objects.bulk_create([run for run in self.runs if run.pk is None])
        ScheduleRun.objects.bulk_update(waited, ["outcome", "detail", "execution_id", "at"])
        _store(list(schedules))
        names = {run.execution_id: run.schedule.name for run in self.runs}
        audit.write(
            audit.entry(actor, "start", execution=one, detail=f"by the schedule {names[one.pk]}")
            for one, actor in self.executions
        )
        enqueue_many(made)
        publish(event_of_new(execution) for execution in made)


def start_due() -> int:
    """Start what is due, and what has waited for the execution before it. Returns how many
    schedules and waiting starts were dealt with."""
    began, total = time.monotonic(), 0
    if SchedulePause.objects.filter(is_paused=True).exists():
        return 0
    while time.monotonic() - began < SCHEDULE_SLICE_SECONDS:
        try:
            done = _start_batch(SCHEDULE_BATCH)
        except (DataError, IntegrityError) as error:
            logger.exception("A batch of schedules could not be started; one by one now")
            done = sum(_start_alone(schedule_id, error) for schedule_id in _due_ids())
        total += done
        if not done:
            break
    return total + _start_waiting()


def _due() -> Any:
    return Schedule.objects.filter(is_on=True, due_at__lte=Now()).order_by("due_at", "id")


def _due_ids() -> list[int]:
    return list(_due().values_list("pk", flat=True)[:SCHEDULE_BATCH])


def _start_batch(size: int, **only: Any) -> int:
    """Start a batch in a transaction of its own; returns of how many schedules."""
    with transaction.atomic():
        claimed = list(
            _due()
            .filter(**only)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("flow", "version__flow")[:size]
        )
        if claimed:
            this = Round.of(claimed)
            for schedule in claimed:
                _take_turn(this, schedule)
            this.write(claimed)
    return len(claimed)


def _start_alone(schedule_id: int, error: Exception) -> int:
    """Start one schedule of a batch that the database refused; one that it refuses says so."""
    try:
        return _start_batch(1, pk=schedule_id)
    except (DataError, IntegrityError) as refused:
        error = refused
    with transaction.atomic():
        found = _due().filter(pk=schedule_id).select_for_update(skip_locked=True).first()
        if found is None:
            return 0
        now = timezone.now()
        found.last_at = found.next_at
        found.problem, found.problem_at = f"The database refuses the start: {error}"[:2000], now
        _plan(found, now)
        _store([found])
    return 1


def _take_turn(this: Round, schedule: Schedule) -> None:
    """Start a due schedule, or say why not, and plan its next time."""
    assert schedule.next_at is not None
    try:
        times = _times_due(schedule, this.now)
    except (CronError, CalendarError) as error:
        times = [schedule.next_at]
        schedule.problem, schedule.problem_at = str(error), this.now
    latest = times[-1]
    why = _too_late(this, schedule, latest)
    missed = times if why else times[:-1]
    if missed:
        why = why or "Other times came before it could start."
        this.record(schedule, missed[-1], Outcome.MISSED, detail=why, times=len(missed))
    if latest not in missed:
        _start_or_skip(this, schedule, latest)
    schedule.last_at = latest
    _plan(schedule, latest)


def _times_due(schedule: Schedule, now: datetime) -> list[datetime]:
    """Return the times that have come: the planned one, and those that have passed since."""
    first = schedule.next_at
    assert first is not None
    table, until = timing.timetable(schedule), now - timedelta(seconds=schedule.jitter_seconds)
    later = list(islice(table.between(first, until), SCHEDULE_MISSED_COUNTED + 1))
    if len(later) > SCHEDULE_MISSED_COUNTED:
        # So many that only those count that may still start.
        window = max(first, until - _tolerance(schedule))
        later = [*later[:SCHEDULE_MISSED_COUNTED], *deque(table.between(window, until), maxlen=1)]
    return [first, *later]


def _tolerance(schedule: Schedule) -> timedelta:
    """How late a start may be."""
    is_once = schedule.misfire == Schedule.Misfire.ONCE
    grace = schedule.grace_seconds if is_once else 0
    return timedelta(seconds=max(grace, SCHEDULE_ON_TIME_SECONDS))


def _too_late(this: Round, schedule: Schedule, at: datetime) -> str:
    """Why a time does not start any more; "" when it does."""
    if this.pause is not None and at <= this.pause.changed_at:
        return "All schedules were paused."
    due = schedule.due_at if at == schedule.next_at else None
    late = this.now - (due or at + timedelta(seconds=schedule.jitter_seconds))
    if late <= (allowed := _tolerance(schedule)):
        return ""
    return f"It came {duration(late)} late. It starts when it is at most {duration(allowed)} late."


def _start_or_skip(this: Round, schedule: Schedule, at: datetime) -> None:
    overlaps = schedule.overlap != Schedule.Overlap.PARALLEL and schedule.pk in this.live
    if overlaps and schedule.overlap == Schedule.Overlap.SKIP:
        detail = "The execution before it had not ended."
        this.record(schedule, at, Outcome.SKIPPED, detail=detail)
    elif overlaps and schedule.pk in this.waiting:
        this.record(schedule, at, Outcome.SKIPPED, detail="Another one waited already.")
    elif overlaps:
        this.record(schedule, at, Outcome.WAITING)
    else:
        owner = this.owners.get(schedule.owner_id or 0)
        run = this.record(schedule, at, Outcome.STARTED)
        this.start(schedule, run, _owner_actor(owner), owner)


def _start_waiting() -> int:
    """Start what has waited for the execution before it."""
    live = Execution.objects.filter(schedule_id=OuterRef("schedule_id"), ended_at=None)
    with transaction.atomic():
        runs = list(
            ScheduleRun.objects.filter(~Exists(live), outcome=Outcome.WAITING)
            .select_for_update(skip_locked=True, of=("self", "schedule"))
            .select_related("schedule__flow", "schedule__version__flow")
            .order_by("scheduled_at")[:SCHEDULE_BATCH]
        )
        if runs:
            schedules = [run.schedule for run in runs]
            this = Round.of(schedules)
            for run in runs:
                owner = this.owners.get(run.schedule.owner_id or 0)
                run.at = this.now
                this.runs.append(run)
                this.start(run.schedule, run, _owner_actor(owner), owner)
            this.write(schedules)
    return len(runs)


def start_now(schedule_id: int, actor: Actor, user: Any) -> ScheduleRun:
    """Start a schedule out of turn, whatever of it is live. Returns what became of it."""
    with transaction.atomic():
        schedule = (
            Schedule.objects.select_for_update(of=("self",))
            .select_related("flow", "version__flow")
            .get(pk=schedule_id)
        )
        this = Round.of([schedule])
        run = this.record(schedule, this.now, Outcome.STARTED, started_by=actor.name)
        this.start(schedule, run, actor, user)
        this.write([schedule])
    return run


def _plan(schedule: Schedule, after: datetime) -> None:
    """Plan the next time; a schedule whose times cannot be told has none."""
    try:
        timing.plan_next(schedule, after)
    except (CronError, CalendarError) as error:
        schedule.next_at = schedule.due_at = None
        schedule.problem, schedule.problem_at = str(error), timezone.now()


def _store(schedules: Sequence[Schedule]) -> None:
    params: dict[str, Any] = {
        "ids": [one.pk for one in schedules],
        "next": [one.next_at for one in schedules],
        "due": [one.due_at for one in schedules],
        "last": [one.last_at for one in schedules],
        "problems": [one.problem.replace("\0", "") for one in schedules],
        "problems_at": [one.problem_at for one in schedules],
    }
    with connection.cursor() as cursor:
        cursor.execute(_STORE, params)


def _time_of_database() -> datetime:
    """Return when the transaction began, by the clock that also says what is due."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now: datetime = cursor.fetchone()[0]
    return now


def _newest(flow_ids: Iterable[int]) -> dict[int, FlowVersion]:
    """Return the newest published version of each flow."""
    found = FlowVersion.objects.filter(flow__in=flow_ids, published_at__isnull=False)
    newest = found.select_related("flow").order_by("flow_id", "-number").distinct("flow_id")
    return {version.flow_id: version for version in newest}


def _owner_actor(owner: AbstractUser | None) -> Actor:
    return Actor(owner.pk if owner else None, owner.get_username() if owner else "", "schedule")


def _no_right(user: AbstractUser | None) -> str:
    who = f"{user.get_username()}, who saved it," if user else "Who saved it"
    why = "may not start this flow any more" if user else "is not there any more"
    return f"{who} {why}. It starts again once somebody who may start the flow saves it."


def _told(messages: Iterable[Message]) -> str:
    return " ".join(f"{one.location}: {one.summary} {one.details}".strip() for one in messages)
