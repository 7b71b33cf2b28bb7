"""Two weeks of executions as they could have been, for pages that show days and weeks.

They are rows of the table of executions, so the statistics count them as they count all others.
What was under way in each minute follows from them, and is written as samples. They have ended, and
have neither steps nor variables. Some were paused by a person for a while. One failure is resolved
in between and comes back.
"""

import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from executions.failures.commands import run as failure_commands
from executions.management import demo_scenes
from executions.models import (
    Execution,
    FailureActivity,
    FailureGroup,
    LiveSample,
    StatisticsEvent,
)
from executions.models.execution import new_id
from executions.states import Status
from executions.statistics import aggregation, samples
from executions.store.lifecycle.failures import Failure, add_group
from flows import queries
from flows.failure_fingerprints import template
from flows.models import FlowVersion

DAYS = 14
#: Executions that are written at most, in transactions of so many.
MOST = 20_000
_BATCH = 500
_SAMPLES = 5_000
#: On which day the failure that comes back is resolved, and from which day on it is back.
_RESOLVED_ON, _BACK_ON = 9, 12
#: The part of the executions of a working day that a person paused, and minutes that this took.
_PAUSED, _PAUSED_MINUTES = 0.02, 45.0
_WORKING_HOURS = range(8, 17)
_MINUTE = timedelta(minutes=1)
#: So that everybody who fills a demo sees the same.
_SEED = 20
#: Seconds within which the statistics have to count what was written.
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """A way to fail: where, how, and in how large a part of the runs of each day."""

    block: str
    block_type: str
    description: str
    type: str
    message: str
    rate: float
    unhandled: bool = False
    workspace: str = "Top-level"
    #: The days on which it happens; all of them when empty.
    days: Sequence[int] = ()
    #: Whether it is resolved in between, and comes back.
    comes_back: bool = False

    def part(self, day: int) -> float:
        """Return the part of a day's executions that fail so."""
        if self.comes_back and _RESOLVED_ON <= day < _BACK_ON:
            return 0.0
        return self.rate if not self.days or day in self.days else 0.0


@dataclass(frozen=True, slots=True)
class Course:
    """How a flow ran: how often a day, for how long (in seconds), at night too or not."""

    flow: str
    a_day: int
    seconds: float
    only_at: Sequence[int] = ()
    troubles: Sequence[Trouble] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """An execution of the history, and since when and for how long a person had paused it."""

    execution: Execution
    paused_at: datetime
    paused: timedelta = timedelta()


_THROW = "Throw New Flow Exception"
_FLOW_EXCEPTION = "Cortex.Exceptions.Flows.FlowException"
COURSES = (
    Course(
        "check-order",
        620,
        0.2,
        troubles=(
            Trouble(
                "no-customer",
                _THROW,
                "Refuse an order of nobody",
                _FLOW_EXCEPTION,
                "Order A-{n} names no customer.",
                0.03,
                comes_back=True,
            ),
            Trouble(
                "no-lines",
                _THROW,
                "Refuse an empty order",
                _FLOW_EXCEPTION,
                "Order A-{n} has no lines.",
                0.004,
            ),
        ),
    ),
    Course("check-orders", 140, 8.0),
    Course(
        "access-log-report",
        150,
        0.6,
        troubles=(
            Trouble(
                "rethrow",
                "Rethrow Exception",
                "Fail the flow",
                "Cortex.Exceptions.Files.FileNotFoundException",
                "There is no file 'access-{n}.log'.",
                0.22,
                days=(5, 13),
            ),
        ),
    ),
    Course("check-urls", 90, 1.2),
    Course(
        "nightly-tour",
        8,
        65.0,
        only_at=(1, 2, 3),
        troubles=(
            Trouble(
                "visit/rooms",
                "For Loop",
                "For each room",
                "Cortex.Exceptions.Loops.InfiniteLoopException",
                "The 'Increment' provided ({n}) causes an infinite loop.",
                0.08,
                unhandled=True,
                workspace="Visit the site",
            ),
        ),
    ),
)


def fill(now: datetime | None = None) -> Iterator[int]:
    """Write the executions; yield how many are written after each batch.

    Raises LookupError where an example flow is missing.
    """
    end = (now or timezone.now()).replace(second=0, microsecond=0)
    start = end - timedelta(days=DAYS)
    people = [demo_scenes.account(name) for name in demo_scenes.PEOPLE]
    chance = random.Random(_SEED)  # noqa: S311  # nothing secret depends on it
    made = sorted(
        (one for course in COURSES for one in _runs(course, start, end, people, chance)),
        key=lambda one: one.execution.started_at,
    )[-MOST:]
    back_at = start + timedelta(days=_RESOLVED_ON)
    before = [one for one in made if one.execution.started_at < back_at]
    written = 0
    for part in (before, made[len(before) :]):
        for number in range(0, len(part), _BATCH):
            batch = part[number : number + _BATCH]
            _write([run.execution for run in batch])
            written += len(batch)
            yield written
        _count()
        if part is before:
            _resolve(people[0], back_at, start + timedelta(days=_BACK_ON))
    _sample(made, start, end)


def _runs(
    course: Course, start: datetime, end: datetime, people: Sequence[User], chance: random.Random
) -> Iterator[Run]:
    version = queries.latest_published(course.flow)
    if version is None:
        raise LookupError(f"There is no published flow {course.flow}. Import flows/examples.")
    for hour in range(DAYS * 24):
        at = start + timedelta(hours=hour)
        for _ in range(_number(course, at, chance)):
            started = at + timedelta(seconds=chance.uniform(0, 3600))
            run = _run(course, version, started, chance.choice(people), chance)
            _end(run.execution, course, hour // 24, chance)
            if run.execution.ended_at is not None and run.execution.ended_at < end:
                yield run


def _number(course: Course, at: datetime, chance: random.Random) -> int:
    """Return how many run in an hour: most by day, fewer at weekends."""
    if course.only_at:
        return round(course.a_day / len(course.only_at)) if at.hour in course.only_at else 0
    usual = course.a_day / 24 * (1 + 0.7 * math.sin((at.hour - 7) / 24 * 2 * math.pi))
    if at.weekday() >= 5:
        usual *= 0.4
    return max(0, round(usual * chance.uniform(0.8, 1.2)))


def _run(
    course: Course, version: FlowVersion, started: datetime, person: User, chance: random.Random
) -> Run:
    identity = new_id()
    waited = timedelta(seconds=chance.lognormvariate(-2.2, 0.8))
    took = timedelta(seconds=course.seconds * chance.lognormvariate(0, 0.35))
    paused = timedelta()
    if started.hour in _WORKING_HOURS and chance.random() < _PAUSED:
        paused = _PAUSED_MINUTES * _MINUTE * chance.lognormvariate(0, 0.5)
    claimed = started + waited
    execution = Execution(
        id=identity,
        root_id=identity,
        version=version,
        version_number=version.number,
        flow_name=course.flow,
        status=Status.ENDED,
        block="end",
        block_type="End Flow",
        block_description="End Flow",
        workspace_name="Top-level",
        started_at=started,
        first_claimed_at=claimed,
        ended_at=claimed + paused + took,
        updated_at=claimed + paused + took,
        initiator=person,
        initiator_name=person.username,
        trigger=Execution.Trigger.COMMAND_LINE,
        outputs={},
    )
    return Run(execution, claimed + took / 2, paused)


def _end(execution: Execution, course: Course, day: int, chance: random.Random) -> None:
    """Decide how an execution ended."""
    drawn = chance.random()
    for trouble in course.troubles:
        part = trouble.part(day)
        if drawn < part:
            _fail(execution, trouble, chance)
            return
        drawn -= part
    if drawn > 0.997:
        execution.status = Status.STOPPED


def _fail(execution: Execution, trouble: Trouble, chance: random.Random) -> None:
    execution.status = Status.ENDED if trouble.unhandled else Status.ERROR
    execution.unhandled = trouble.unhandled
    execution.block, execution.block_type = trouble.block, trouble.block_type
    execution.block_description = trouble.description
    execution.workspace_name = trouble.workspace
    execution.error_type = execution.exception_types = trouble.type.rpartition(".")[2]
    execution.error_message = trouble.message.format(n=chance.randrange(1000, 9999))
    execution.outputs = None
    execution.failure = _failure(execution, trouble).fingerprint


def _failure(execution: Execution, trouble: Trouble) -> Failure:
    return Failure(
        execution.flow_name, trouble.block, trouble.type, template(execution.error_message)
    )


@transaction.atomic
def _write(batch: Sequence[Execution]) -> None:
    """Write executions, and the groups of those that failed."""
    Execution.objects.bulk_create(batch)
    by_place = {
        (course.flow, trouble.block): trouble for course in COURSES for trouble in course.troubles
    }
    seen = set()
    for execution in batch:
        if execution.failure is not None and execution.failure not in seen:
            seen.add(execution.failure)
            trouble = by_place[execution.flow_name, execution.block]
            add_group(execution.pk, _failure(execution, trouble))
            _seen_first(execution.failure, execution.ended_at)


def _seen_first(group: UUID, at: datetime | None) -> None:
    """Date the first failure of a group back, where the demo has seen it before its history."""
    if FailureGroup.objects.filter(pk=group, first_seen_at__gt=at).update(first_seen_at=at):
        FailureActivity.objects.filter(group=group, kind=FailureActivity.Kind.NEW).update(at=at)


def _count() -> None:
    """Wait until the statistics have counted what was written; a worker may be doing that."""
    until = time.monotonic() + _PATIENCE
    while StatisticsEvent.objects.exists() and time.monotonic() < until:
        if not aggregation.aggregate():
            time.sleep(0.1)


def _resolve(person: User, at: datetime, back_at: datetime) -> None:
    """Resolve the failure that comes back, as it would have been then; another one gets an
    owner. What the demo itself has resolved, and seen again, is dated back."""
    actor = demo_scenes.actor_of(person)
    for course in COURSES:
        for trouble in course.troubles:
            group = FailureGroup.objects.filter(
                flow__name=course.flow, block=trouble.block, type=trouble.type
            ).first()
            if group is None:
                continue
            name = "resolve" if trouble.comes_back else "take"
            done = FailureActivity.objects.filter(group=group, kind=name)
            if done.exists() or failure_commands.run(name, group, person, actor).done:
                again = FailureActivity.objects.filter(
                    group=group, kind=FailureActivity.Kind.REGRESSED
                ).update(at=back_at)
                changed_at = back_at if again else at
                FailureGroup.objects.filter(pk=group.pk).update(changed_at=changed_at)
                done.update(at=at)


def _sample(runs: Sequence[Run], start: datetime, end: datetime) -> None:
    """Write what was under way in each minute of the history, of all flows and of each one."""
    running: Counter[tuple[int, datetime]] = Counter()
    queued, paused = running.copy(), running.copy()
    for run in runs:
        one = run.execution
        assert one.first_claimed_at is not None, one
        assert one.ended_at is not None, one
        resumed_at = run.paused_at + run.paused
        for counter, spans in (
            (queued, [(one.started_at, one.first_claimed_at)]),
            (running, [(one.first_claimed_at, run.paused_at), (resumed_at, one.ended_at)]),
            (paused, [(run.paused_at, resumed_at)] if run.paused else []),
        ):
            minutes = {minute for since, until in spans for minute in _minutes(since, until)}
            counter.update(
                (flow, at) for flow in (samples.ALL, one.version.flow_id) for at in minutes
            )
    keys = {(samples.ALL, minute) for minute in _minutes(start, end)}
    keys.update(running, queued, paused)
    LiveSample.objects.bulk_create(
        (
            LiveSample(
                flow_id=flow,
                at=at,
                running=running[flow, at],
                queued=queued[flow, at],
                needs_person=paused[flow, at],
            )
            for flow, at in sorted(keys)
        ),
        batch_size=_SAMPLES,
        ignore_conflicts=True,  # the demo has taken its own since it runs
    )
    samples.thin()


def _minutes(since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the minutes in which a span lies, or a part of it."""
    at = since.replace(second=0, microsecond=0)
    while at < until:
        yield at
        at += _MINUTE
