"""What schedules start, and what they do not."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from executions.commands.actor import Actor
from executions.completion import stop
from executions.models import AuditEntry, Execution, Schedule, ScheduleRun
from executions.schedules import changes, due, excluded, retention
from executions.schedules.changes import ScheduleChanged
from executions.schedules.excluded import CalendarError
from executions.states import Status
from flows import values
from flows.models import Flow, FlowVersion
from tests.flows_in_tests import publish
from tests.schedules_in_tests import come, fire, make_schedule, scheduler

pytestmark = pytest.mark.django_db
ECHO = "{a: {type: Start Flow, bottom: e}, e: {type: End Flow}}"
HOUR = timedelta(hours=1)


@pytest.fixture
def user() -> User:
    return scheduler()


@pytest.fixture
def version(tmp_path: Path) -> FlowVersion:
    return publish(
        tmp_path,
        "echo",
        ECHO,
        "{N: {input: true, type: Integer, default: 1}, Since: {input: true, default: null}}",
    )


def runs(schedule: Schedule) -> list[tuple[str, int]]:
    found = ScheduleRun.objects.filter(schedule=schedule).order_by("pk")
    return list(found.values_list("outcome", "times"))


def last(schedule: Schedule) -> ScheduleRun:
    return ScheduleRun.objects.filter(schedule=schedule).latest("pk")


def started(schedule: Schedule) -> list[Execution]:
    return list(Execution.objects.filter(schedule_id=schedule.pk).order_by("started_at", "id"))


def end(schedule: Schedule) -> None:
    stop(*Execution.objects.filter(schedule_id=schedule.pk).values_list("pk", flat=True))


def test_a_due_schedule_starts_its_flow(version: FlowVersion, user: User) -> None:
    schedule = make_schedule(version.flow, user, inputs={"N": 7, "Since": "=due - duration('10m')"})
    assert due.start_due() == 0
    at = fire(schedule)
    (execution,) = started(schedule)
    assert execution.status == Status.QUEUED
    assert (execution.trigger, execution.initiator) == ("schedule", user)
    assert values.decode(execution.inputs) == {"N": 7, "Since": at - timedelta(minutes=10)}
    assert runs(schedule) == [("started", 1)]
    assert last(schedule).execution_id == execution.pk
    assert schedule.next_at is not None
    assert schedule.next_at > at
    assert due.start_due() == 0
    entry = AuditEntry.objects.get(execution=execution)
    assert (entry.source, entry.detail) == ("schedule", f"by the schedule {schedule.name}")


def test_a_batch_takes_as_many_statements_as_one(version: FlowVersion, user: User) -> None:
    counts = []
    for number in (1, 1, 40):
        names = [f"{len(counts)}-{n}" for n in range(number)]
        schedules = [
            make_schedule(version.flow, user, name=name, overlap="parallel") for name in names
        ]
        for schedule in schedules:
            come(schedule)
        with CaptureQueriesContext(connection) as statements:
            assert due.start_due() == number
        counts.append(len(statements))
        assert [runs(one) for one in schedules] == [[("started", 1)]] * number
        assert not [one for one in statements if 'UPDATE "executions_schedulerun"' in one["sql"]]
    # The first compiles the version.
    assert counts[2] == counts[1]


def test_the_newest_version_starts_unless_one_is_chosen(
    version: FlowVersion, user: User, tmp_path: Path
) -> None:
    newest = make_schedule(version.flow, user, name="newest")
    chosen = make_schedule(version.flow, user, name="chosen", version=version)
    publish(tmp_path, "echo", ECHO, "{N: {input: true, default: 2}}")
    for schedule in (newest, chosen):
        fire(schedule)
    assert [started(one)[0].version_number for one in (newest, chosen)] == [2, 1]


@pytest.mark.parametrize(
    ("given", "ago", "outcome"),
    [
        ({"misfire": "skip"}, timedelta(seconds=30), "started"),
        ({"misfire": "skip"}, timedelta(minutes=2), "missed"),
        ({"misfire": "once", "grace_seconds": 900}, timedelta(minutes=14), "started"),
        ({"misfire": "once", "grace_seconds": 900}, timedelta(minutes=16), "missed"),
    ],
)
def test_late(version: FlowVersion, user: User, given: Any, ago: timedelta, outcome: str) -> None:
    schedule = make_schedule(version.flow, user, **given)
    fire(schedule, ago)
    assert runs(schedule) == [(outcome, 1)]
    assert len(started(schedule)) == (outcome == "started")
    if outcome == "missed":
        assert "late. It starts when it is at most" in last(schedule).detail


def test_many_missed_times_start_once(version: FlowVersion, user: User) -> None:
    schedule = make_schedule(version.flow, user, "*/5 * * * *", grace_seconds=900)
    fire(schedule, 2 * HOUR)
    missed, one = runs(schedule)
    assert one == ("started", 1)
    assert missed[0] == "missed"
    assert missed[1] in (24, 25)
    assert len(started(schedule)) == 1
    assert schedule.next_at is not None
    assert schedule.next_at > timezone.now()


def test_a_schedule_of_seconds_that_missed_days_goes_on(version: FlowVersion, user: User) -> None:
    schedule = make_schedule(version.flow, user, "* * * * * *")
    fire(schedule, 48 * HOUR)
    # A round that takes more than a second finds the next second due, and its start running.
    assert [outcome for outcome, _ in runs(schedule)][:2] == ["missed", "started"]
    assert len(started(schedule)) == 1
    assert schedule.next_at is not None
    assert schedule.next_at > timezone.now() - HOUR / 60


def test_overlap(version: FlowVersion, user: User) -> None:
    skip = make_schedule(version.flow, user, name="skip", overlap="skip")
    side = make_schedule(version.flow, user, name="side", overlap="parallel")
    queue = make_schedule(version.flow, user, name="queue", overlap="queue")
    for schedule in (skip, side, queue):
        for number in (3, 2, 1):
            fire(schedule, timedelta(seconds=number))
    assert [outcome for outcome, _ in runs(skip)] == ["started", "skipped", "skipped"]
    assert [outcome for outcome, _ in runs(side)] == ["started", "started", "started"]
    assert [outcome for outcome, _ in runs(queue)] == ["started", "waiting", "skipped"]
    end(queue)
    due.start_due()
    assert [outcome for outcome, _ in runs(queue)] == ["started", "started", "skipped"]
    assert len(started(queue)) == 2
    end(skip)
    fire(skip)
    assert len(started(skip)) == 2


def test_a_waiting_start_is_dropped_when_its_schedule_is_switched_off(
    version: FlowVersion, user: User
) -> None:
    queue = make_schedule(version.flow, user, overlap="queue")
    fire(queue, timedelta(seconds=2))
    fire(queue)
    actor = Actor(user.pk, user.username, "page")
    assert changes.switch(user, actor, [queue], is_on=False) == 1
    assert changes.switch(user, actor, [queue], is_on=False) == 0
    end(queue)
    due.start_due()
    assert [outcome for outcome, _ in runs(queue)] == ["started", "skipped"]
    queue.refresh_from_db()
    assert (queue.next_at, queue.switched_by) == (None, "sam")
    changes.switch(user, actor, [queue], is_on=True)
    queue.refresh_from_db()
    assert queue.next_at is not None
    assert queue.next_at > timezone.now()


def test_nothing_starts_while_all_are_paused_nor_for_what_has_passed(
    version: FlowVersion,
) -> None:
    user = scheduler("pam")
    actor = Actor(user.pk, user.username, "page")
    schedule = make_schedule(version.flow, user)
    changes.pause_all(user, actor, is_paused=True)
    come(schedule, timedelta(seconds=1))
    assert due.start_due() == 0
    changes.pause_all(user, actor, is_paused=False)
    assert due.start_due() == 1
    assert (last(schedule).outcome, last(schedule).detail) == (
        "missed",
        "All schedules were paused.",
    )
    Schedule.objects.update(next_at=timezone.now(), due_at=timezone.now())
    due.start_due()
    assert len(started(schedule)) == 1


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"inputs": {"N": "seven"}}, "Input N: The value is a Text, not an Integer."),
        ({"inputs": {"M": 1}}, "Input M: This input does not exist"),
        ({"inputs": {"N": "=1 / 0"}}, "Input N: It cannot be evaluated: divide by zero"),
        ({"inputs": {"N": "=Other"}}, "An expression may read now, due, last, schedule."),
        ({"owner": None}, "Who saved it is not there any more."),
    ],
)
def test_why_a_start_failed_is_kept(
    version: FlowVersion, user: User, given: dict[str, Any], problem: str
) -> None:
    schedule = make_schedule(version.flow, **{"owner": user, **given})
    fire(schedule)
    assert problem in schedule.problem
    assert last(schedule).outcome == "failed"
    assert last(schedule).detail == schedule.problem
    assert not started(schedule)
    assert schedule.next_at is not None
    Schedule.objects.update(inputs={}, owner=user)
    fire(schedule)
    assert (schedule.problem, schedule.problem_at) == ("", None)


def test_a_schedule_without_a_version_or_a_right_does_not_start(
    version: FlowVersion, user: User
) -> None:
    schedule = make_schedule(version.flow, user)
    user.user_permissions.clear()
    fire(schedule)
    assert "sam, who saved it, may not start this flow any more." in schedule.problem
    draft = make_schedule(Flow.objects.create(name="draft"), scheduler())
    fire(draft)
    assert draft.problem == "The flow has no published version. Publish one."


def test_run_now(version: FlowVersion, user: User) -> None:
    schedule = make_schedule(version.flow, user, inputs={"N": 5})
    actor = Actor(user.pk, "sam", "page")
    before = schedule.next_at
    for _ in range(2):
        assert due.start_now(schedule.pk, actor, user).outcome == "started"
    schedule.refresh_from_db()
    assert (len(started(schedule)), schedule.next_at) == (2, before)
    assert last(schedule).started_by == "sam"


def test_one_bad_schedule_keeps_no_other_from_its_start(version: FlowVersion, user: User) -> None:
    good, bad = (make_schedule(version.flow, user, name=name) for name in ("good", "bad"))
    come(good)
    at = come(bad)
    # A time that has been dealt with: the database refuses a second row.
    ScheduleRun.objects.create(schedule=bad, scheduled_at=at, at=at, outcome="started")
    due.start_due()
    assert len(started(good)) == 1
    bad.refresh_from_db()
    assert "The database refuses the start" in bad.problem
    assert not started(bad)
    assert bad.next_at is not None
    assert bad.next_at > at


def test_a_change_plans_anew_and_of_two_one_is_refused(version: FlowVersion, user: User) -> None:
    schedule = make_schedule(version.flow, user, secret_inputs={"Key": "hunter2"})
    actor = Actor(user.pk, "sam", "page")
    other = Schedule.objects.select_related("flow").get(pk=schedule.pk)
    schedule.cron = "0 13 * * *"
    changes.save(user, actor, schedule)
    assert schedule.next_at is not None
    assert schedule.next_at.hour == 13
    with pytest.raises(ScheduleChanged):
        changes.save(user, actor, other)
    entry = AuditEntry.objects.get(command="change-schedule")
    assert (entry.before, entry.after) == ({"cron": "0 12 * * *"}, {"cron": "0 13 * * *"})
    assert (entry.object_kind, entry.object_name) == ("schedule", schedule.name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret_inputs::text FROM executions_schedule")
        ((stored,),) = cursor.fetchall()
    assert "hunter2" not in stored
    changes.delete(user, actor, schedule)
    assert "hunter2" not in str(list(AuditEntry.objects.values_list("before", "after", "detail")))


def test_who_may_not_changes_nothing(version: FlowVersion, user: User) -> None:
    schedule = make_schedule(version.flow, user)
    starter = User.objects.create(username="starter")
    actor = Actor(starter.pk, "starter", "page")
    for change in (
        lambda: changes.save(starter, actor, schedule),
        lambda: changes.switch(starter, actor, [schedule], is_on=False),
        lambda: changes.delete(starter, actor, schedule),
        lambda: changes.pause_all(starter, actor, is_paused=True),
    ):
        with pytest.raises(PermissionError):
            change()
    schedule.refresh_from_db()
    assert schedule.is_on


def test_jitter_delays_a_start(version: FlowVersion, user: User) -> None:
    schedule = make_schedule(version.flow, user, jitter_seconds=600)
    assert schedule.next_at is not None
    assert schedule.due_at is not None
    assert timedelta() <= schedule.due_at - schedule.next_at <= timedelta(minutes=10)
    assert schedule.due_at != schedule.next_at


CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//test//EN
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20200101
RRULE:FREQ=YEARLY
SUMMARY:New Year
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;VALUE=DATE:20261224
DTEND;VALUE=DATE:20261227
SUMMARY:Christmas
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTART:20260601T230000Z
DTEND:20260602T010000Z
SUMMARY:Night
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def test_the_days_of_a_calendar() -> None:
    excluded.check(CALENDAR)
    christmas = {date(2026, 12, day) for day in (24, 25, 26)}
    night = {date(2026, 6, 1), date(2026, 6, 2)}
    assert excluded.days_of(CALENDAR, 2026, "UTC") == {date(2026, 1, 1), *christmas, *night}
    assert excluded.days_of(CALENDAR, 2027, "UTC") == {date(2027, 1, 1)}
    assert date(2026, 6, 1) not in excluded.days_of(CALENDAR, 2026, "Europe/Stockholm")


@pytest.mark.parametrize(
    "text", ["", "hello", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "x" * 600_000]
)
def test_what_is_no_calendar(text: str) -> None:
    with pytest.raises(CalendarError):
        excluded.check(text)


def test_excluded_days_start_nothing(version: FlowVersion, user: User) -> None:
    today = timezone.now().date()
    week = [today + timedelta(days=number) for number in range(7)]
    schedule = make_schedule(version.flow, user, excluded_days=week, calendar=CALENDAR)
    assert schedule.next_at is not None
    assert schedule.next_at.date() >= today + timedelta(days=7)


def test_old_runs_are_deleted(version: FlowVersion, user: User) -> None:
    schedule = make_schedule(version.flow, user)
    fire(schedule)
    ScheduleRun.objects.update(at=timezone.now() - timedelta(days=91))
    Schedule.objects.update(overlap="parallel")
    fire(schedule)
    retention.delete_old()
    assert len(runs(schedule)) == 1
