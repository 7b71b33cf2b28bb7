"""The statistics equal a count over the table, at any moment."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from executions import completion, runner
from executions.models import Execution, StatisticsEvent
from executions.states import Status
from executions.statistics import fold, read
from executions.statistics.counts import Counts
from executions.statistics.read import Selection
from executions.statistics.spans import Span
from flows.models import FlowVersion
from tests.driving import begin, drive, fresh
from tests.executions_in_tests import make_execution, version_of
from tests.flows_in_tests import publish
from tests.integration.test_failures import DIVIDE, DIVIDE_VARIABLES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

KOLKATA, BERLIN = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin")
NUMBERS = ("started", "ended", "unhandled", "errors", "stopped")


def recently() -> Span:
    return Span.last(timedelta(hours=1))


def counted(executions: Iterable[Execution], span: Span) -> dict[str, int]:
    """What the statistics have to say of these executions."""
    rows = list(executions)
    ended = [e for e in rows if e.ended_at and span.start <= e.ended_at < span.end]
    return {
        "started": sum(span.start <= e.started_at < span.end for e in rows),
        "ended": len(ended),
        "unhandled": sum(e.unhandled for e in ended),
        "errors": sum(e.status == Status.ERROR for e in ended),
        "stopped": sum(e.status == Status.STOPPED for e in ended),
    }


def numbers(counts: Counts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in NUMBERS}


def check(span: Span | None = None, selection: Selection = read.EVERYTHING) -> Counts:
    """Compare the totals of a span with a count over the table; return them."""
    span = span or recently()
    rows = Execution.objects.all()
    if selection.flows is not None:
        rows = rows.filter(version__flow__in=selection.flows)
    if selection.versions is not None:
        rows = rows.filter(version__in=selection.versions)
    if selection.triggers is not None:
        rows = rows.filter(trigger__in=selection.triggers)
    counts = read.totals(span, selection)
    assert numbers(counts) == counted(rows, span)
    claimed = [e for e in rows if e.first_claimed_at and span.start <= e.first_claimed_at]
    assert len(counts.waits) == len(claimed)
    assert len(counts.durations) == counts.ended - counts.stopped
    return counts


def folded_and_not(test: Callable[[], None]) -> None:
    """Check what the journal still holds, and again once it is folded."""
    test()
    while fold.fold():
        pass
    assert not StatisticsEvent.objects.exists()
    test()


@pytest.fixture
def divide(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "divide", DIVIDE, DIVIDE_VARIABLES)


def test_every_outcome_is_counted(divide: FlowVersion, nap: FlowVersion) -> None:
    drive(begin(divide, A=4, B=2).pk)
    failed = drive(begin(divide, A=4, B=0).pk)
    waiting = begin(nap, Seconds=3600)
    runner.run(waiting.pk)
    begin(nap, Seconds=3600)
    stopped = begin(nap, Seconds=3600, paused=True)
    with transaction.atomic():
        completion.stop(stopped.pk)

    def test() -> None:
        counts = check()
        assert numbers(counts) == {
            "started": 5, "ended": 3, "unhandled": 1, "errors": 0, "stopped": 1,
        }  # fmt: skip
        assert (counts.failed, counts.succeeded, counts.failure_rate) == (1, 1, 0.5)
        assert len(counts.waits) == 3
        flow = read.by_flow(recently())
        assert numbers(flow[divide.flow_id])["ended"] == 2
        assert numbers(flow[nap.flow_id])["stopped"] == 1
        check(selection=Selection(flows=[nap.flow_id]))
        check(selection=Selection(versions=[divide.pk]))
        check(selection=Selection(triggers=["command line"]))
        check(selection=Selection(flows=[nap.flow_id], triggers=["page"]))
        assert read.by_version(recently())[nap.pk].started == 3
        assert set(read.by_trigger(recently())) == {"command line"}
        assert failed.failure is not None
        assert read.by_failure(recently())[failed.failure].unhandled == 1
        last = read.failure_series(failed.failure, recently(), "minute", UTC)[-2:]
        assert sum(bucket.counts.failed for bucket in last if bucket.counts) == 1

    folded_and_not(test)


def test_the_first_claim_is_kept(nap: FlowVersion) -> None:
    """An execution that comes back to the queue has waited for its first worker once."""
    execution = begin(nap, Seconds=0.05)
    runner.run(execution.pk)
    first = fresh(execution).first_claimed_at
    assert first is not None
    assert fresh(execution).reason == "time"
    assert drive(execution.pk).first_claimed_at == first
    assert len(check().waits) == 1


def test_hours_in_which_nothing_ran_are_empty(admin_user: User) -> None:
    now = datetime(2026, 5, 4, 12, 40, tzinfo=UTC)
    for hours in (0.2, 0.3, 5):
        started = now - timedelta(hours=hours)
        make_execution(admin_user, status=Status.ENDED, started_at=started)
    span = Span(now - timedelta(hours=8), now)

    def test() -> None:
        buckets = read.series(span, "hour", UTC)
        told = {f"{b.start:%H:%M}": b.counts and b.counts.started for b in buckets}
        assert told == {
            "04:40": None, "05:00": None, "06:00": None, "07:00": 1, "08:00": None,
            "09:00": None, "10:00": None, "11:00": None, "12:00": 2,
        }  # fmt: skip
        assert read.by_flow(Span(now - timedelta(hours=3), now - timedelta(hours=1))) == {}
        by_flow = read.series_by_flow(span, "hour", UTC)
        assert list(by_flow) == [version_of("orders").flow_id]
        assert by_flow[version_of("orders").flow_id] == buckets

    folded_and_not(test)


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Chatham"]
)
def test_days_are_those_of_the_zone(name: str, admin_user: User) -> None:
    """Also where the clocks change, at both ends of each day."""
    zone = ZoneInfo(name)
    changes = [
        (2026, 3, 8),
        (2026, 3, 29),
        (2026, 4, 5),
        (2026, 9, 27),
        (2026, 10, 25),
        (2026, 11, 1),
    ]
    expected: dict[datetime, int] = {}
    for year, month, day in changes:
        start = datetime(year, month, day, tzinfo=zone)
        following = datetime(year, month, day, tzinfo=zone) + timedelta(days=1)
        length = following.astimezone(UTC) - start.astimezone(UTC)
        expected[start.astimezone(UTC)] = 3
        for at in (timedelta(0), length / 2, length - timedelta(seconds=1)):
            make_execution(admin_user, status=Status.ENDED, started_at=start.astimezone(UTC) + at)
    span = Span(datetime(2026, 3, 1, tzinfo=zone), datetime(2026, 12, 1, tzinfo=zone))

    def test() -> None:
        found = {b.start: b.counts.started for b in read.series(span, "day", zone) if b.counts}
        # The last one of each day ends on the next.
        assert {day: count for day, count in found.items() if count} == expected

    folded_and_not(test)
