"""An execution knows what became of its retries: on its page, in its row, in filters. Run on real
PostgreSQL and Redis."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from executions import completion, recovery, runner
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.grid.query.filters import Filters
from executions.grid.table.columns import column_of
from executions.grid.table.row_events import read_events
from executions.models import Execution
from executions.states import RetryState, Status
from executions.store.lifecycle import bulk_transitions
from executions.store.lifecycle.transitions import force_stop
from flows.models import FlowVersion
from tests.driving import ACTOR, begin, drive, fresh
from tests.executions_in_tests import copies_that_ended, make_execution
from tests.flows_in_tests import publish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

#: Fails until the file is there, which it reads.
READS = """
a: {type: Start Flow, bottom: r}
r:
  type: Read All Text
  properties: {File Path: =Path, Text: ($)Text}
  bottom: e
e: {type: End Flow}
"""
FLAGS = ("failed", "open-failure", "superseded", "retried", "being-retried", "failed-again")


@pytest.fixture
def needed(tmp_path: Path) -> Iterator[Path]:
    settings.FILES_ROOT.mkdir(exist_ok=True)
    path = settings.FILES_ROOT / f"{tmp_path.name}.txt"
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
def reads(tmp_path: Path, needed: Path) -> FlowVersion:
    variables = f"{{Path: {{input: true, default: {needed.name}}}, Text: {{output: true}}}}"
    return publish(tmp_path, "reads", READS, variables)


def retry(execution: Execution, user: User) -> Execution:
    """Retry it, and return the new execution, which is Queued."""
    done = run_command("retry", CommandRequest(execution, user, ACTOR))
    assert done.done, done.detail
    return Execution.objects.filter(origin=execution).latest("started_at")


def flags(execution: Execution) -> set[str]:
    """The flags of an execution, which the database and live events agree on."""
    found = set()
    event = read_events(Execution.objects.filter(pk=execution.pk))[0]
    for flag in FLAGS:
        filters = Filters.parse(QueryDict(f"is={flag}"))
        assert not filters.problems
        rows = Execution.objects.filter(filters.condition(timezone.now()), pk=execution.pk)
        live = not filters.mismatch(event, {}, timezone.now())
        assert rows.exists() is live, flag
        found |= {flag} if live else set()
    return found


def state(execution: Execution) -> tuple[str, Any]:
    now = fresh(execution)
    return now.retry_state, now.retried_as


def test_a_chain_of_retries_is_superseded_when_its_last_ends_well(
    reads: FlowVersion, needed: Path, admin_user: User
) -> None:
    first = drive(begin(reads).pk)
    assert flags(first) == {"failed", "open-failure"}
    second = retry(first, admin_user)
    assert state(first) == (RetryState.LIVE, second.pk)
    assert flags(first) == {"failed", "open-failure", "retried", "being-retried"}
    before = fresh(first).revision
    drive(second.pk)
    assert state(first) == (RetryState.FAILED, second.pk)
    assert fresh(first).revision == before + 1
    assert flags(first) == {"failed", "open-failure", "retried", "failed-again"}
    needed.write_text("here")
    third = retry(second, admin_user)
    assert {state(one) for one in (first, second)} == {(RetryState.LIVE, third.pk)}
    assert drive(third.pk).status == Status.ENDED
    assert {state(one) for one in (first, second)} == {(RetryState.ENDED, third.pk)}
    assert flags(first) == flags(second) == {"failed", "superseded", "retried"}
    assert flags(third) == set()


def test_what_is_superseded_stays_so(reads: FlowVersion, needed: Path, admin_user: User) -> None:
    failed = drive(begin(reads).pk)
    needed.write_text("here")
    well = retry(failed, admin_user)
    drive(well.pk)
    needed.unlink()
    again = retry(failed, admin_user)
    assert state(failed) == (RetryState.ENDED, well.pk)
    drive(again.pk)
    assert state(failed) == (RetryState.ENDED, well.pk)


@pytest.mark.parametrize("how", ["stop", "force-stop", "worker dies"])
def test_a_stopped_retry_leaves_the_failure_open(
    reads: FlowVersion, admin_user: User, how: str
) -> None:
    failed = drive(begin(reads).pk)
    tried = retry(failed, admin_user)
    if how == "stop":
        completion.stop(tried.pk)
    elif how == "force-stop":
        stopped = force_stop(tried.pk)
        assert stopped
        completion.after_end(stopped[0])
    else:
        Execution.objects.filter(pk=tried.pk).update(
            status=Status.STOPPING, lease_owner="dead:1", lease_expires_at=timezone.now()
        )
        recovery.recover()
    assert fresh(tried).status == Status.STOPPED
    assert state(failed) == (RetryState.STOPPED, tried.pk)
    assert flags(failed) == {"failed", "open-failure"}


def test_the_end_of_an_older_retry_changes_nothing_unless_it_ended_well(
    reads: FlowVersion, needed: Path, admin_user: User
) -> None:
    failed = drive(begin(reads).pk)
    older, newer = retry(failed, admin_user), retry(failed, admin_user)
    runner.run(older.pk)
    assert fresh(older).unhandled
    assert state(failed) == (RetryState.LIVE, newer.pk)
    needed.write_text("here")
    drive(newer.pk)
    assert state(failed) == (RetryState.ENDED, newer.pk)


def test_a_bulk_command_and_the_end_of_a_retry_do_not_wait_for_each_other(
    reads: FlowVersion, needed: Path, admin_user: User
) -> None:
    """Both lock retries before their origins, so that there is no deadlock."""
    needed.write_text("here")
    pairs = []
    for _ in range(10):
        failed = make_execution(
            admin_user, version=reads, flow="reads", status=Status.ERROR, error_type="X"
        )
        tried = begin(reads)
        Execution.objects.filter(pk=tried.pk).update(origin=failed, trigger="retry")
        pairs.append((failed, tried))
    problems: list[Exception] = []

    def lock() -> None:
        try:
            for _ in range(20):
                bulk_transitions.lock([one.pk for pair in pairs for one in pair])
        except Exception as problem:
            problems.append(problem)
        finally:
            connection.close()

    other = threading.Thread(target=lock)
    other.start()
    for _, tried in pairs:
        drive(tried.pk)
    other.join()
    assert not problems
    assert {fresh(failed).retry_state for failed, _ in pairs} == {RetryState.ENDED}


def test_the_page_and_the_row_show_the_chain(
    reads: FlowVersion, needed: Path, admin_user: User, admin_client: Client
) -> None:
    first = drive(begin(reads).pk)
    second = retry(first, admin_user)
    drive(second.pk)
    needed.write_text("here")
    third = retry(second, admin_user)
    drive(third.pk)
    page = admin_client.get(first.get_absolute_url()).content.decode()
    assert "Retried as" in page
    assert second.get_absolute_url() in page
    assert "superseded" in page
    page = admin_client.get(third.get_absolute_url()).content.decode()
    assert "Retry of" in page
    assert "superseded" not in page
    assert page.index(second.get_absolute_url()) < page.index(first.get_absolute_url())
    column = column_of("retried")
    assert column is not None
    cell = column.content(read_events(Execution.objects.filter(pk=first.pk))[0])
    assert third.get_absolute_url() in cell
    assert "superseded" in cell
    assert column.content(read_events(Execution.objects.filter(pk=third.pk))[0]) == ""


def test_a_chain_shows_nothing_that_the_reader_may_not_see(
    reads: FlowVersion, admin_user: User, client: Client
) -> None:
    eve = User.objects.create_user("eve")
    failed = drive(begin(reads).pk)
    tried = retry(failed, admin_user)
    Execution.objects.filter(pk=tried.pk).update(initiator=eve)
    client.force_login(eve)
    page = client.get(tried.get_absolute_url()).content.decode()
    assert "Retry of" in page
    assert "not visible" in page
    assert str(failed.pk) not in page


@pytest.mark.parametrize(
    ("flag", "index"),
    [
        ("open-failure", "execution_open_failure"),
        ("superseded", "execution_retried"),
        ("retried", "execution_retried"),
        ("being-retried", "execution_retried"),
        ("failed-again", "execution_retried"),
    ],
)
def test_an_index_finds_the_flag(flag: str, index: str, admin_user: User) -> None:
    """Among many executions, without looking at each of them."""
    copies_that_ended(make_execution(admin_user), 2_000, 10)
    filters = Filters.parse(QueryDict(f"is={flag}"))
    rows = Execution.objects.filter(filters.condition(timezone.now()))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        if flag == "open-failure":
            cursor.execute("DROP INDEX execution_failed")
        plan = rows.order_by("started_at", "id").explain()
        transaction.set_rollback(True)
    assert index in plan
