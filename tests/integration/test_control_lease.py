"""Who debugs an execution: one person at a time, who hands it over, loses it by not answering or by
leaving; and who looks at it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.utils import timezone
from redis import Redis

from executions import control_transfer, presence
from executions.commands.command import DebugLeaseRule
from executions.commands.registry import COMMANDS
from executions.commands.request import CommandRequest
from executions.commands.run import CommandResult, run_command
from executions.limits import DEBUG_TRANSFER_ANSWER_SECONDS, DEBUG_TRANSFER_AWAY_SECONDS
from executions.models import AuditEntry, Execution
from executions.presence import OpenPage, Person
from flows.models import FlowVersion
from tests.debugging import Session
from tests.flows_in_tests import (
    LOOP,
    LOOP_VARIABLES,
    PARENT,
    PARENT_VARIABLES,
    SQUARE,
    SQUARE_VARIABLES,
    publish,
)
from tests.integration.test_execution_page import client_of, page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


@pytest.fixture
def ada() -> Session:
    return Session(User.objects.create_superuser("ada"))


@pytest.fixture
def grace() -> Session:
    return Session(User.objects.create_superuser("grace"))


def look(execution: Execution, who: Session, key: str = "1") -> OpenPage:
    user = who.user
    return OpenPage(str(execution.pk), str(execution.root_id), user.pk, user.username, key)


def seen_ago(redis: Redis, execution: Execution, who: Session, seconds: float) -> None:
    then = int(timezone.now().timestamp() - seconds)
    redis.set(presence._last_seen_key(execution.root_id, who.user.pk), then)


def holder(execution: Execution) -> tuple[str | None, str | None]:
    execution.refresh_from_db()
    return (
        execution.debugged_by.username if execution.debugged_by else None,
        execution.asked_by.username if execution.asked_by else None,
    )


# The lease ------------------------------------------------------------------------------------


def test_the_first_who_debugs_has_it(loop: FlowVersion, ada: Session, grace: Session) -> None:
    execution = ada.start(loop, paused=True)
    assert holder(execution) == (None, None)
    grace.do("step", execution)
    assert holder(execution) == ("grace", None)
    for command in ("step", "continue", "pause", "set-variable", "detach", "attach", "release"):
        told = ada.refused(command, execution, name="I", value="1")
        assert told.startswith("grace is debugging this since"), command
    ada.do("stop", execution)


def test_to_pause_or_continue_is_not_to_debug(loop: FlowVersion, ada: Session) -> None:
    execution = ada.start(loop, paused=True)
    ada.do("break-on-exception", execution, on="1")
    ada.do("release", execution)
    assert holder(execution) == (None, None)
    assert execution.status == "Paused"
    assert execution.debug == {"exceptions": True}
    ada.do("continue", execution)
    assert execution.debugged_by is None


def test_a_refused_command_takes_nothing(loop: FlowVersion, ada: Session) -> None:
    execution = ada.start(loop, paused=True)
    ada.refused("set-variable", execution, name="nothing", value="1")
    ada.refused("step-out", execution)
    assert holder(execution) == (None, None)


@pytest.mark.parametrize("way", ["hand-over", "release", "time"])
def test_who_may_no_longer_debug_does_not_get_it(
    loop: FlowVersion, ada: Session, grace: Session, redis: Redis, way: str
) -> None:
    execution = ada.start(loop, paused=True)
    ada.do("step", execution)
    presence.renew([look(execution, ada)])
    grace.do("take-over", execution)
    User.objects.filter(pk=grace.user.pk).update(is_superuser=False)
    if way == "hand-over":
        assert "grace may no longer debug this" in ada.refused("hand-over", execution)
        assert holder(execution) == ("ada", "grace")
    elif way == "release":
        ada.do("release", execution)
        assert holder(execution) == (None, None)
    else:
        long_ago = timezone.now() - timedelta(seconds=DEBUG_TRANSFER_ANSWER_SECONDS + 1)
        Execution.objects.filter(pk=execution.pk).update(asked_at=long_ago)
        assert control_transfer.transfer_leases() == 0
        assert holder(execution) == ("ada", None)


def test_who_asks_waits_for_an_answer(
    loop: FlowVersion, ada: Session, grace: Session, redis: Redis
) -> None:
    execution = ada.start(loop, paused=True)
    ada.do("step", execution)
    presence.renew([look(execution, ada)])
    assert "asked ada" in grace.do("take-over", execution)
    assert holder(execution) == ("ada", "grace")
    assert "already asked" in grace.refused("take-over", execution)
    assert "is debugging this" in grace.refused("step", execution)
    assert "is debugging this" in grace.refused("hand-over", execution)
    ada.do("keep-control", execution)
    assert holder(execution) == ("ada", None)
    assert "Nobody has asked" in ada.refused("hand-over", execution)
    grace.do("take-over", execution)
    assert ada.do("hand-over", execution) == "to grace"
    assert holder(execution) == ("grace", None)
    assert "grace is debugging this" in ada.refused("step", execution)
    grace.do("step", execution)


def test_without_an_answer_it_goes_over(loop: FlowVersion, ada: Session, grace: Session) -> None:
    execution = ada.start(loop, paused=True)
    ada.do("step", execution)
    presence.renew([look(execution, ada)])
    grace.do("take-over", execution)
    assert control_transfer.transfer_leases() == 0
    late = timezone.now() - timedelta(seconds=DEBUG_TRANSFER_ANSWER_SECONDS + 1)
    Execution.objects.filter(pk=execution.pk).update(asked_at=late)
    revision = execution.revision
    assert control_transfer.transfer_leases() == 1
    assert holder(execution) == ("grace", None)
    assert execution.revision > revision
    assert control_transfer.transfer_leases() == 0
    entry = AuditEntry.objects.filter(execution=execution).latest("id")
    assert (entry.command, entry.actor, entry.detail) == (
        "take-over",
        "grace",
        "ada did not answer",
    )


def test_who_has_left_loses_it(
    loop: FlowVersion, ada: Session, grace: Session, redis: Redis
) -> None:
    execution = ada.start(loop, paused=True)
    ada.do("breakpoint", execution, block="e")
    assert control_transfer.transfer_leases() == 0
    long_ago = timezone.now() - timedelta(seconds=DEBUG_TRANSFER_AWAY_SECONDS + 5)
    Execution.objects.filter(pk=execution.pk).update(debugged_since=long_ago)
    # Redis knows nothing: the while begins now.
    assert control_transfer.transfer_leases() == 0
    presence.renew([look(execution, ada)])
    assert control_transfer.transfer_leases() == 0
    seen_ago(redis, execution, ada, DEBUG_TRANSFER_AWAY_SECONDS + 1)
    assert control_transfer.transfer_leases() == 1
    assert holder(execution) == (None, None)
    assert execution.status == "Paused"
    assert execution.debug["breakpoints"]
    grace.do("step", execution)
    assert holder(execution) == ("grace", None)


def test_who_opens_pages_without_scripts_has_not_left(
    loop: FlowVersion, ada: Session, grace: Session, redis: Redis
) -> None:
    execution = ada.start(loop, paused=True)
    ada.do("step", execution)
    long_ago = timezone.now() - timedelta(seconds=DEBUG_TRANSFER_AWAY_SECONDS + 5)
    Execution.objects.filter(pk=execution.pk).update(debugged_since=long_ago)
    seen_ago(redis, execution, ada, DEBUG_TRANSFER_AWAY_SECONDS + 1)
    page(ada.user, execution)
    assert control_transfer.transfer_leases() == 0
    assert "asked ada" in grace.do("take-over", execution)
    # Nobody is told that they look: whether they still do is not known.
    assert presence.people([execution.pk]) == {}
    # Somebody else's page of it says nothing about them.
    seen_ago(redis, execution, ada, DEBUG_TRANSFER_AWAY_SECONDS + 1)
    page(grace.user, execution)
    assert control_transfer.transfer_leases() == 1


def test_from_who_has_left_it_is_taken_at_once(
    loop: FlowVersion, ada: Session, grace: Session, redis: Redis
) -> None:
    execution = ada.start(loop, paused=True)
    ada.do("step", execution)
    seen_ago(redis, execution, ada, DEBUG_TRANSFER_AWAY_SECONDS + 1)
    assert "had left" in grace.do("take-over", execution)
    assert holder(execution) == ("grace", None)


def test_what_runs_below_goes_along(
    tmp_path: Path, ada: Session, grace: Session, redis: Redis
) -> None:
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    execution = ada.start(publish(tmp_path, "parent", PARENT, PARENT_VARIABLES), inputs={"N": 2})
    ada.do("attach", execution)
    child = Execution.objects.get(parent=execution)
    assert holder(child) == ("ada", None)
    # A page of the child is a page of what is debugged.
    presence.renew([look(child, ada)])
    grace.do("take-over", execution)
    ada.do("hand-over", execution)
    assert holder(child) == holder(execution) == ("grace", None)


def test_of_two_who_step_at_once_one_does(
    transactional_db: None, tmp_path: Path, ada: Session, grace: Session
) -> None:
    """Each on a connection of their own, again and again; whatever they give."""
    version = publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)
    fields = {"block": "e", "name": "I", "value": "1", "on": "1"}
    taking = {one.name for one in COMMANDS.values() if one.lease is DebugLeaseRule.TAKES}
    for command in sorted(taking - {"step-out"}):
        execution = ada.start(version, paused=True)
        barrier = Barrier(2)

        def give(who: Session, barrier: Barrier = barrier, command: str = command) -> CommandResult:
            try:
                barrier.wait(10)
                return run_command(command, CommandRequest(execution, who.user, who.actor, fields))  # noqa: B023
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(give, (ada, grace)))
        done = [who for who, result in zip((ada, grace), results, strict=True) if result.done]
        assert len(done) == 1, (command, results)
        assert holder(execution)[0] == done[0].user.username
        refused = next(result for result in results if not result.done)
        assert f"{done[0].user.username} is debugging this" in refused.detail


# On the page ----------------------------------------------------------------------------------


def test_everybody_sees_who_debugs_it(loop: FlowVersion, ada: Session, grace: Session) -> None:
    execution = ada.start(loop, paused=True)
    ada.do("step", execution)
    presence.renew([look(execution, ada)])
    mine, theirs = page(ada.user, execution), page(grace.user, execution)
    assert "Debugged by you since" in mine
    assert "Debugged by ada since" in theirs
    assert theirs.count("Take over first") >= 5
    assert "Take over" in theirs
    assert "Take over" not in mine
    grace.do("take-over", execution)
    assert "<b>grace</b> asks to take over debugging" in page(ada.user, execution)
    assert "You have asked <b>ada</b>" in page(grace.user, execution)
    ada.do("keep-control", execution)
    assert "<b>ada</b> keeps control" in page(grace.user, execution)


def test_who_may_only_look_takes_nothing_over(loop: FlowVersion, ada: Session) -> None:
    watcher = User.objects.create_user("watcher")
    watcher.user_permissions.add(Permission.objects.get(codename="view_execution"))
    execution = ada.start(loop, paused=True)
    ada.do("step", execution)
    html = page(watcher, execution)
    assert "Debugged by ada since" in html
    assert "Take over" not in html
    client = client_of(watcher)
    for command in ("take-over", "hand-over", "keep-control", "release"):
        client.post(f"/executions/commands/{command}/", {"id": execution.pk})
    assert holder(execution) == ("ada", None)


# Presence -------------------------------------------------------------------------------------


@pytest.fixture
def stranger() -> Client:
    return client_of(User.objects.create_user("stranger"))


def test_who_else_looks_is_told(
    loop: FlowVersion, ada: Session, grace: Session, stranger: Client
) -> None:
    execution = ada.start(loop, paused=True)
    presence.renew([look(execution, ada), look(execution, grace), look(execution, grace, "2")])
    html = page(ada.user, execution)
    assert "1 other viewing" in html
    assert 'title="grace"' in html
    presence.leave(look(execution, grace))
    assert [p.name for p in presence.people([execution.pk])[str(execution.pk)]] == ["ada", "grace"]
    presence.leave(look(execution, grace, "2"))
    assert presence.people([execution.pk])[str(execution.pk)] == [Person("ada", ada.user.pk)]
    assert 'id="looks"' not in page(ada.user, execution)
    for path in ("", "live/"):
        assert stranger.get(f"/executions/{execution.pk}/{path}").status_code == 404


def test_presence_expires_and_asks_no_database(
    loop: FlowVersion, ada: Session, redis: Redis, django_assert_num_queries: object
) -> None:
    execution = ada.start(loop, paused=True)
    with django_assert_num_queries(0):  # type: ignore[operator]
        presence.renew([look(execution, ada)], seconds=0.0)
        assert presence.people([execution.pk]) == {}
        presence.renew([look(execution, ada)])
    key = f"cortexweb:presence:{execution.pk}"
    assert 0 < redis.ttl(key) <= 20


def test_a_page_that_polls_is_there_too(loop: FlowVersion, ada: Session, grace: Session) -> None:
    execution = ada.start(loop, paused=True)
    address = f"/executions/{execution.pk}/live/"
    client_of(grace.user).get(address)
    assert presence.people([execution.pk]) == {}
    client_of(grace.user).get(address, headers={"X-Polling": "1"})
    assert [person.name for person in presence.people([execution.pk])[str(execution.pk)]] == [
        "grace"
    ]
