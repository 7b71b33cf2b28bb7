"""The statistics equal a count over the table, at any moment."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.db.models import F

from executions import completion, recovery, runner, tasks
from executions.access import ExecutionSet
from executions.commands.request import CommandRequest
from executions.commands.run import run_commands
from executions.limits import MAX_WORKER_DEATHS
from executions.models import FAILED, Execution, StatisticsEvent, StatisticsSeries, StatisticsTotal
from executions.states import Status
from executions.statistics import aggregation, read, rebuild, thinning
from executions.statistics.counts import Counts
from executions.statistics.read import Selection
from executions.statistics.spans import Span, edges
from executions.store.lifecycle import claims, transitions
from executions.store.read import flow_counts
from flows import values
from flows.blocks.errors import unexpected
from flows.models import FlowVersion
from tests.debugging import Session
from tests.driving import begin, drive, expire_leases, fresh
from tests.executions_in_tests import make_execution, version_of
from tests.flows_in_tests import WAIT, WAIT_VARIABLES, publish
from tests.integration.test_failures import DIVIDE, DIVIDE_VARIABLES
from tests.servers import PROJECT, Process

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
    """Check what the journal still holds, and again once it is aggregated."""
    test()
    while aggregation.aggregate():
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
        alone = read.numbers_by_flow(recently())
        assert {pk: one.numbers for pk, one in alone.items()} == {
            pk: one.numbers for pk, one in flow.items()
        }
        assert list(read.numbers_by_flow(recently(), [nap.flow_id])) == [nap.flow_id]
        long_ago = Span(recently().start - timedelta(days=2), recently().start - timedelta(days=1))
        assert read.numbers_by_flow(long_ago) == {}
        assert read.summed(read.series(recently(), "minute", UTC)) == counts
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


def differences() -> list[str]:
    return [repr(difference) for difference in rebuild.check()]


def some_history(user: User) -> None:
    """Executions of four months, of every outcome, some of them live; some in one minute."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for number in range(60):
        started = now - timedelta(days=2 * (number // 2), minutes=7 * number)
        status = (Status.ENDED, Status.ERROR, Status.STOPPED, Status.RUNNING)[number % 4]
        failed = status == Status.ERROR or number % 8 == 0
        make_execution(
            user,
            flow=("orders", "invoices")[number % 2],
            status=status,
            started_at=started,
            first_claimed_at=started + timedelta(milliseconds=number),
            unhandled=failed and status == Status.ENDED,
            failure=UUID(int=number % 3) if failed else None,
        )


def test_a_check_finds_what_differs_and_a_rebuild_repairs_it(
    admin_user: User, capsys: pytest.CaptureFixture[str]
) -> None:
    some_history(admin_user)
    aggregation.aggregate()
    assert not differences()
    call_command("check_statistics")
    assert "equal" in capsys.readouterr().out
    kept = list(StatisticsTotal.objects.order_by("series", "until").values())
    span = Span.last(timedelta(days=100))
    told = read.series(span, "day", KOLKATA), read.by_flow(span), read.by_failure(span)

    some = StatisticsTotal.objects.filter(series__level="flow").order_by("until")
    StatisticsTotal.objects.filter(pk=some[3].pk).update(ended=F("ended") + 1)
    StatisticsTotal.objects.filter(pk=some[5].pk).delete()
    series = StatisticsSeries.objects.filter(level="failure")
    series.first().delete()
    with pytest.raises(CommandError, match="Run check_statistics --rebuild"):
        call_command("check_statistics")
    error = capsys.readouterr().err
    assert f"flow {version_of('orders').flow_id}, until" in error
    assert "(counted:" in error
    call_command("check_statistics", rebuild=True)
    assert not differences()
    assert (
        read.series(span, "day", KOLKATA), read.by_flow(span), read.by_failure(span)
    ) == told  # fmt: skip
    assert len(kept) > StatisticsTotal.objects.count()  # by the quarter of an hour


def test_what_was_there_before_the_journal_is_counted(admin_user: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE executions_execution DISABLE TRIGGER USER")
        some_history(admin_user)
        cursor.execute("ALTER TABLE executions_execution ENABLE TRIGGER USER")
    make_execution(admin_user, status=Status.ENDED)
    tasks.aggregate_statistics()
    assert not differences()
    check(Span.last(timedelta(days=100)))
    tasks.aggregate_statistics()
    assert not differences()


def test_what_one_person_has_started_counts_alike(admin_user: User) -> None:
    """People who may see no others have their own executions counted from the table."""
    some_history(admin_user)
    make_execution(User.objects.create_user("ann"), flow="hers")
    span = Span.last(timedelta(days=30))
    own_set = ExecutionSet(flows=frozenset(), initiator_id=admin_user.pk)
    own = flow_counts.own_series(own_set, edges(span, "day", BERLIN))
    everybody = read.series_by_flow(span, "day", BERLIN)
    assert own.keys() == everybody.keys() - {version_of("hers").flow_id}
    for flow, buckets in own.items():
        for mine, one in zip(buckets, everybody[flow], strict=True):
            assert (mine.start, mine.end) == (one.start, one.end)
            assert numbers(mine.counts or Counts()) == numbers(one.counts or Counts())
            assert (mine.counts or Counts()).durations == (one.counts or Counts()).durations


def test_failures_that_get_another_group_count_there(admin_user: User) -> None:
    some_history(admin_user)
    aggregation.aggregate()
    call_command("group_failures")
    assert not differences()
    counted = read.by_failure(Span.last(timedelta(days=100)))
    failed = Execution.objects.filter(FAILED)
    assert sum(counts.failed for counts in counted.values()) == failed.count()
    assert counted.keys() == set(failed.values_list("failure", flat=True))


def test_numbers_outlive_the_executions(admin_user: User) -> None:
    some_history(admin_user)
    span = Span.last(timedelta(days=100))
    aggregation.aggregate()
    before = numbers(read.totals(span))
    days = read.series(span, "day", BERLIN)
    old = Execution.objects.filter(started_at__lt=datetime.now(UTC) - timedelta(days=20))
    assert old.exclude(ended_at=None).delete()[0] > 10
    assert numbers(read.totals(span)) == before
    assert not differences()
    rebuild.rebuild()
    assert not differences()
    assert numbers(read.totals(span)) == before
    assert read.series(span, "day", BERLIN) == days


def test_older_totals_are_thinned_and_stay_right(admin_user: User) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for minutes in range(0, 600, 3):
        started = now - timedelta(days=5, minutes=minutes)
        make_execution(admin_user, status=Status.ENDED, started_at=started)
    aggregation.aggregate()
    span = Span.last(timedelta(days=6))
    hours = read.series(span, "hour", KOLKATA)
    level = StatisticsTotal.objects.filter(series__level="all")
    assert level.count() == 200
    thinning.thin()
    assert 40 <= level.count() <= 42
    assert read.series(span, "hour", KOLKATA) == hours
    assert not differences()
    # Counted late, between two quarters of an hour.
    late = now - timedelta(days=5, minutes=32)
    make_execution(admin_user, status=Status.ENDED, started_at=late)
    aggregation.aggregate()
    check(span)
    assert not differences()
    rebuild.rebuild()
    assert not differences()
    assert 40 <= level.count() <= 42
    thinning.thin(now + timedelta(days=400))
    assert level.count() <= 3
    check(span)
    assert not differences()


@pytest.fixture
def boss(admin_user: User) -> Session:
    return Session(admin_user)


def commanded(session: Session, name: str, *executions: Execution, **fields: str) -> None:
    requests = [
        CommandRequest(fresh(execution), session.user, session.actor, fields)
        for execution in executions
    ]
    results = run_commands(name, requests)
    assert all(result.done for result in results), results


def test_commands_and_recovery_are_counted_once(
    boss: Session, divide: FlowVersion, nap: FlowVersion
) -> None:
    """Whichever statement starts or ends an execution: none is missed, and none counts twice."""
    failed = drive(begin(divide, A=4, B=0).pk)
    commanded(boss, "retry", failed)
    retried = Execution.objects.get(origin=failed)
    drive(retried.pk)
    many = [begin(nap, Seconds=3600) for _ in range(6)]
    for execution in many[:3]:
        runner.run(execution.pk)
    commanded(boss, "stop", *many[:4])
    held = claims.claim(many[4].pk, "a worker:1")
    assert held is not None
    commanded(boss, "stop", many[4])
    commanded(boss, "force-stop", many[4])
    # What the worker writes now finds its lease gone.
    assert transitions.give_back(many[4].pk, "a worker:1", None) == []
    # A worker dies with one that was to stop.
    assert claims.claim(many[5].pk, "a worker:2") is not None
    commanded(boss, "stop", many[5])
    expire_leases()
    recovery.recover()
    recovery.recover()
    # The turns of another fail outside of its blocks, until it ends in Error.
    broken = begin(nap, Seconds=3600)
    thrown = {"exception": values.encode(unexpected(RuntimeError("no"))), "traceback": ""}
    for turn in range(MAX_WORKER_DEATHS):
        assert claims.claim(broken.pk, f"a worker:{turn}") is not None
        assert transitions.give_back(broken.pk, f"a worker:{turn}", thrown, UUID(int=7))
    assert fresh(broken).status == Status.ERROR

    def test() -> None:
        counts = check()
        assert (counts.started, counts.ended, counts.stopped) == (9, 9, 6)
        assert (counts.errors, counts.unhandled) == (1, 2)
        assert read.by_trigger(recently())["retry"].unhandled == 1
        assert read.by_failure(recently())[UUID(int=7)].errors == 1
        assert not differences()

    folded_and_not(test)


def test_an_execution_that_moves_counts_in_its_new_version(
    boss: Session, nap: FlowVersion, tmp_path: Path
) -> None:
    execution = begin(nap, Seconds=3600)
    runner.run(execution.pk)
    aggregation.aggregate()
    commanded(boss, "pause", execution)
    blocks = WAIT.replace("description: Nap", "description: Rest")
    newer = publish(tmp_path, "nap", blocks, WAIT_VARIABLES)
    assert newer != nap
    commanded(boss, "move-version", execution)
    assert fresh(execution).version == newer

    def test() -> None:
        assert numbers(check())["started"] == 1
        by_version = read.by_version(recently())
        assert set(by_version) == {newer.pk}
        assert (by_version[newer.pk].started, len(by_version[newer.pk].waits)) == (1, 1)
        assert not differences()

    folded_and_not(test)


def test_a_fold_that_dies_has_counted_nothing(
    divide: FlowVersion, product_environment: dict[str, str]
) -> None:
    """Killed between taking from the journal and the commit: the next one takes the same."""
    drive(begin(divide, A=4, B=0).pk)
    held = StatisticsEvent.objects.count()
    code = (
        "import os, signal, django; django.setup(); from executions.statistics import aggregation\n"
        "aggregation.store_totals = lambda totals: os.kill(os.getpid(), signal.SIGKILL)\n"
        "aggregation.aggregate()"
    )
    died = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=product_environment, check=False
    )
    assert died.returncode == -signal.SIGKILL
    assert StatisticsEvent.objects.count() == held
    assert not StatisticsTotal.objects.exists()
    check()
    assert aggregation.aggregate() == held
    check()
    assert not differences()


def test_one_process_folds_at_a_time(divide: FlowVersion) -> None:
    drive(begin(divide, A=4, B=0).pk)
    with closing(connections.create_connection("default")) as other:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [aggregation.LOCK])
        assert aggregation.aggregate() == 0
        check()
        other.rollback()
    assert aggregation.aggregate() > 0
    check()


def test_it_is_right_while_executions_start_and_end(
    worker: Process, beat: Process, divide: FlowVersion, nap: FlowVersion
) -> None:
    """Workers write to the journal, the scheduler has it aggregated, and a reader looks at it."""
    ids = [begin(divide, A=4, B=number % 2).pk for number in range(40)]
    seen = -1
    deadline = time.monotonic() + 60
    while seen < len(ids):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            ended = check().ended
        assert ended >= seen
        seen = ended
        assert time.monotonic() < deadline
    while StatisticsEvent.objects.exists():
        assert time.monotonic() < deadline
    assert check().unhandled == 20
    assert not differences()


def test_nobody_waits_for_anybody(nap: FlowVersion) -> None:
    """Two that end executions of one flow at once, while the journal is aggregated."""
    first, second = begin(nap, Seconds=3600), begin(nap, Seconds=3600)
    with closing(connections.create_connection("default")) as other:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(
                "UPDATE executions_execution SET status = 'Stopped', ended_at = now() "
                "WHERE id = %s",
                [first.pk],
            )
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            assert completion.stop(second.pk)
            assert aggregation.aggregate() > 0
            assert check().stopped == 1
        other.rollback()
    assert check().stopped == 1
    assert not differences()
