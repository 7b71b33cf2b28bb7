"""No more executions of one person, or of one flow, hold a worker at once than may."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from redis import Redis

from executions import claiming, limits, recovery, runner
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.events import ExecutionChanged
from executions.grid.table.row_events import read_events
from executions.models import Execution
from executions.publishing import GROUP
from executions.queues import ALL
from executions.states import Reason, Status
from flows.models import Flow, FlowVersion
from tests.driving import expire_leases, fresh
from tests.executions_in_tests import why
from tests.flows_in_tests import LOOP as COUNT
from tests.flows_in_tests import LOOP_VARIABLES as COUNT_VARIABLES
from tests.flows_in_tests import publish
from tests.integration.test_fairness import LOOP, THREE, VARIABLES
from tests.servers import Process, celery_beat, celery_worker

pytestmark = pytest.mark.django_db(transaction=True)

CALLS = """
a: {{type: Start Flow, bottom: r}}
r: {{type: Run Flow, properties: {{Flow: {0}}}, bottom: e}}
e: {{type: End Flow}}
"""
#: Runs itself until N is 0.
RECURSES = """
a: {type: Start Flow, bottom: if}
if: {type: If True Exit Right, properties: {Value: =N <= 0}, right: e, bottom: r}
r: {type: Run Flow, properties: {Flow: recurses, Inputs: {N: =N - 1}}, bottom: e}
e: {type: End Flow}
"""
N = "{N: {input: true, default: 3}}"


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", is_superuser=True)


@pytest.fixture
def bob() -> User:
    return User.objects.create_user("bob")


@pytest.fixture
def one_each(monkeypatch: pytest.MonkeyPatch, redis: Redis) -> None:
    redis.delete(*ALL)
    monkeypatch.setattr(limits, "WORKERS_PER_PERSON", 1)


def begin(version: FlowVersion, user: User, **inputs: Any) -> Execution:
    actor = Actor(user.pk, user.username, "page")
    return start(version, inputs, actor, Execution.Trigger.PAGE)


def loop_of(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "loop", LOOP, VARIABLES)


def waits(execution: Execution, whose: str) -> bool:
    row = fresh(execution)
    where = (row.status, row.reason, row.waiting_for)
    return where == (Status.QUEUED, Reason.LIMIT, whose)


def has_message(execution: Execution) -> bool:
    return fresh(execution).lease_expires_at is not None


def gone(execution: Execution) -> None:
    """Its worker gives it back, as it does after a stop."""
    Execution.objects.filter(pk=execution.pk).update(status=Status.PAUSED, lease_owner="")
    claiming.worker_released(event_of(execution))


def event_of(execution: Execution) -> ExecutionChanged:
    return read_events(Execution.objects.filter(pk=execution.pk))[0]


# One turn at a time --------------------------------------------------------------------------


@pytest.mark.usefixtures("one_each")
def test_who_finds_no_room_stands_in_line_and_nobody_passes(
    tmp_path: Path, ann: User, bob: User, redis: Redis
) -> None:
    version = loop_of(tmp_path)
    first, second, third = (begin(version, ann) for _ in range(3))
    other = begin(version, bob)
    assert claiming.claim(first.pk, "w:1:a:") is not None
    assert claiming.claim(other.pk, "w:2:a:") is not None
    assert claiming.claim(second.pk, "w:3:a:") is None
    assert claiming.claim(third.pk, "w:3:a:") is None
    assert waits(second, "person")
    assert waits(third, "person")
    assert not has_message(second)
    sent = sum(redis.llen(queue) for queue in ALL)
    gone(other)
    assert not has_message(second)
    gone(first)
    assert has_message(second)
    assert not has_message(third)
    assert sum(redis.llen(queue) for queue in ALL) == sent + 1
    late = begin(version, ann)
    assert claiming.claim(late.pk, "w:3:a:") is None
    assert claiming.claim(third.pk, "w:3:a:") is None
    assert claiming.claim(second.pk, "w:3:a:") is not None
    assert fresh(second).reason == ""


@pytest.mark.usefixtures("one_each")
def test_a_lost_message_is_sent_again_and_no_more_than_that(
    tmp_path: Path, ann: User, redis: Redis
) -> None:
    version = loop_of(tmp_path)
    first, second, third = (begin(version, ann) for _ in range(3))
    for each in (first, second, third):
        claiming.claim(each.pk, "w:1:a:")
    for _ in range(5):
        assert recovery.recover() == 0
    Execution.objects.filter(pk=first.pk).update(status=Status.PAUSED, lease_owner="")
    redis.delete(*ALL)
    assert recovery.recover() == 1  # nobody told of the worker that was given back
    assert has_message(second)
    assert not has_message(third)
    assert recovery.recover() == 0
    expire_leases()
    redis.delete(*ALL)
    assert recovery.recover() == 1
    assert recovery.recover() == 0
    assert claiming.claim(second.pk, "w:1:a:") is not None


def test_a_flow_has_a_limit_of_its_own(
    tmp_path: Path, ann: User, bob: User, monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    version = loop_of(tmp_path)
    three = publish(tmp_path, "three", THREE, VARIABLES)
    Flow.objects.filter(name="loop").update(worker_limit=1)
    first, second = begin(version, ann), begin(version, bob)
    assert claiming.claim(first.pk, "w:1:a:") is not None
    assert claiming.claim(second.pk, "w:1:a:") is None
    assert waits(second, "flow")
    assert claiming.claim(begin(three, bob).pk, "w:1:a:") is not None
    monkeypatch.setattr(limits, "WORKERS_PER_FLOW", 1)
    assert claiming.claim(begin(three, bob).pk, "w:1:a:") is None
    Flow.objects.filter(name="loop").update(worker_limit=0)
    assert recovery.recover() == 1
    assert has_message(second)
    assert claiming.claim(second.pk, "w:1:a:") is not None


@pytest.mark.usefixtures("one_each")
def test_who_waited_because_of_a_person_that_is_gone_goes_on(tmp_path: Path, bob: User) -> None:
    version = loop_of(tmp_path)
    first, second = begin(version, bob), begin(version, bob)
    for each in (first, second):
        claiming.claim(each.pk, "w:1:a:")
    assert waits(second, "person")
    Execution.objects.filter(initiator=bob).update(initiator=None)  # as their deletion does
    assert why(fresh(second)).startswith("Waiting for a worker")
    assert recovery.recover() == 1
    assert claiming.claim(second.pk, "w:1:a:") is not None


@pytest.mark.usefixtures("one_each")
def test_a_time_slice_gives_the_place_to_the_first_in_line(tmp_path: Path, ann: User) -> None:
    version = loop_of(tmp_path)
    loops = [begin(version, ann) for _ in range(3)]
    first, second, third = loops
    taking = threading.Thread(target=in_thread, args=(lambda: runner.run(first.pk),))
    taking.start()
    wait_for(lambda: fresh(first).lease_owner != "")
    assert claiming.claim(second.pk, "w:1:a:") is None
    assert claiming.claim(third.pk, "w:1:a:") is None
    taking.join(20)
    assert fresh(first).status == Status.QUEUED
    assert has_message(second)
    runner.run(first.pk)
    assert waits(first, "person")
    steps = fresh(first).step_count
    for turn in (second, third, first):
        runner.run(turn.pk)
    assert fresh(second).step_count
    assert fresh(third).step_count
    assert fresh(first).step_count > steps


@pytest.mark.usefixtures("one_each")
def test_pause_stop_and_continue_take_it_out_of_the_line(tmp_path: Path, ann: User) -> None:
    version = loop_of(tmp_path)
    first, second, third = (begin(version, ann) for _ in range(3))
    for each in (first, second, third):
        claiming.claim(each.pk, "w:1:a:")
    actor = Actor(ann.pk, ann.username, "page")
    assert run_command("pause", CommandRequest(fresh(second), ann, actor)).done
    assert (fresh(second).status, second.reason) == (Status.PAUSED, "")
    assert run_command("stop", CommandRequest(fresh(third), ann, actor)).done
    assert (fresh(third).status, third.reason) == (Status.STOPPED, "")
    assert run_command("continue", CommandRequest(fresh(second), ann, actor)).done
    assert has_message(second)
    assert claiming.claim(second.pk, "w:1:a:") is None
    assert waits(second, "person")
    assert run_command("force-stop", CommandRequest(fresh(first), ann, actor)).done
    assert recovery.recover() == 1
    assert claiming.claim(second.pk, "w:1:a:") is not None


# What is shown -------------------------------------------------------------------------------


@pytest.mark.usefixtures("one_each")
def test_pages_say_whose_limit_it_is_and_who_holds_the_workers(
    tmp_path: Path, ann: User, client: Client
) -> None:
    version = loop_of(tmp_path)
    first, second, third = (begin(version, ann) for _ in range(3))
    for each in (first, second, third):
        claiming.claim(each.pk, "host:1:a:")
    assert why(fresh(second)) == (
        "Waiting because of a limit: executions of ann may hold 1 worker at a time, and hold 1; "
        "it is next."
    )
    assert why(fresh(third)).endswith("; 1 wait before it.")
    client.force_login(ann)
    page = client.get(reverse("execution", args=[second.pk])).content.decode()
    assert f'href="{first.get_absolute_url()}">Worker held by loop</a>' in page
    assert "initiator=ann&amp;worker=%2A" in page
    grid = client.get("/", {"waiting": "limit", "column": ["status", "waiting"]}).content.decode()
    assert str(second.pk) in grid
    assert str(first.pk) not in grid
    assert "limit of ann" in grid
    assert "Queued · limit" in grid
    holders = client.get("/", {"initiator": "ann", "worker": "*"}).content.decode()
    assert str(first.pk) in holders
    assert str(second.pk) not in holders
    assert "Queued · limit" in client.get(reverse("help")).content.decode()


@pytest.mark.usefixtures("one_each")
async def test_the_live_event_of_who_waits_says_so(tmp_path: Path, ann: User) -> None:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)

    def claims() -> Execution:
        version = loop_of(tmp_path)
        first, second = begin(version, ann), begin(version, ann)
        claiming.claim(first.pk, "w:1:a:")
        for _ in range(3):  # the last two change nothing
            claiming.claim(second.pk, "w:1:a:")
        fresh(second)
        connection.close()  # of a thread that goes on
        return second

    try:
        second = await sync_to_async(claims)()
        heard: list[dict[str, Any]] = []
        while not any(event["reason"] for event in heard):
            said = await asyncio.wait_for(layer.receive(channel), 20)
            heard += [event for event in said.get("events", ()) if event["id"] == str(second.pk)]
    finally:
        await layer.group_discard(GROUP, channel)
    assert (heard[-1]["status"], heard[-1]["reason"]) == ("Queued", "limit")
    assert heard[-1]["waiting_for"] == "person"
    assert heard[-1]["revision"] == second.revision == 2


def test_the_limit_of_a_flow_is_set_in_the_admin(tmp_path: Path, ann: User, client: Client) -> None:
    flow = loop_of(tmp_path).flow
    address = reverse("admin:flows_flow_change", args=[flow.pk])
    form = {"versions-TOTAL_FORMS": 0, "versions-INITIAL_FORMS": 0, "worker_limit": 2}
    client.force_login(User.objects.create_user("eve", is_staff=True))
    assert client.post(address, form).status_code == 403
    client.force_login(User.objects.create_superuser("root"))
    assert client.post(address, {**form, "worker_limit": -1}).status_code == 200
    assert client.post(address, form).status_code == 302
    flow.refresh_from_db()
    assert flow.worker_limit == 2
    assert client.post(address, {**form, "worker_limit": ""}).status_code == 302
    flow.refresh_from_db()
    assert flow.worker_limit is None


# Many at once --------------------------------------------------------------------------------


def in_thread(work: Callable[[], object]) -> None:
    try:
        work()
    finally:
        connection.close()


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_four_who_claim_at_once_never_exceed_a_limit(
    tmp_path: Path, ann: User, bob: User, monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    monkeypatch.setattr(limits, "WORKERS_PER_PERSON", 2)
    monkeypatch.setattr(limits, "WORKERS_PER_FLOW", 3)
    version = publish(tmp_path, "count", COUNT, COUNT_VARIABLES)
    executions = [begin(version, user, Last=40) for user in (ann, bob) for _ in range(12)]
    most: dict[str, int] = {"ann": 0, "bob": 0, "count": 0}
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            rows = Execution.objects.exclude(lease_owner="")
            held = list(rows.values_list("initiator_name", flat=True))
            for name, number in (
                *((n, held.count(n)) for n in ("ann", "bob")),
                ("count", len(held)),
            ):
                most[name] = max(most[name], number)

    def take() -> None:
        while not over.is_set():
            queued = Execution.objects.filter(status=Status.QUEUED).order_by("?")
            pk = queued.values_list("pk", flat=True).first()
            if pk is not None:
                runner.run(pk)

    threads = [threading.Thread(target=in_thread, args=(work,)) for work in (watch, *[take] * 4)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: all(fresh(each).status == Status.ENDED for each in executions))
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert 0 < most["ann"] <= 2
    assert 0 < most["bob"] <= 2
    assert most["count"] <= 3


@contextmanager
def workers(
    redis: Redis, environment: dict[str, str], folder: Path, processes: int
) -> Iterator[Process]:
    redis.delete(*ALL)
    started = celery_worker(folder / "worker.log", environment, processes)
    scheduler = celery_beat(folder / "beat.log", environment, folder)
    try:
        yield started
    finally:
        started.kill()
        scheduler.stop()
        print(started.output)
        redis.delete(*ALL)


def held_by(user: User) -> int:
    return Execution.objects.filter(initiator=user).exclude(lease_owner="").count()


def test_ten_loops_of_one_person_leave_workers_to_others(
    redis: Redis, product_environment: dict[str, str], tmp_path: Path, ann: User, bob: User
) -> None:
    loop = loop_of(tmp_path)
    three = publish(tmp_path, "three", THREE, VARIABLES)
    environment = {**product_environment, "WORKERS_PER_PERSON": "1"}
    with workers(redis, environment, tmp_path, 2):
        loops = [begin(loop, ann) for _ in range(10)]
        most, took = 0, []
        for _ in range(10):
            began = time.monotonic()
            execution = begin(three, bob)
            while fresh(execution).status != Status.ENDED:
                assert time.monotonic() < began + 30
                most = max(most, held_by(ann))
            took.append(time.monotonic() - began)
        print(f"three blocks of another beside ten loops: {sorted(took)}")
        assert most == 1
        assert sorted(took)[5] < 10
        wait_for(lambda: all(fresh(each).step_count for each in loops))


def test_a_worker_that_is_killed_gives_its_place_back(
    redis: Redis, product_environment: dict[str, str], tmp_path: Path, ann: User
) -> None:
    version = publish(tmp_path, "count", COUNT, COUNT_VARIABLES)
    environment = {**product_environment, "WORKERS_PER_PERSON": "1", "LEASE_SECONDS": "3"}
    with workers(redis, environment, tmp_path, 2) as process:
        first = begin(loop_of(tmp_path), ann)
        wait_for(lambda: fresh(first).lease_owner != "")
        process.kill()
        second = begin(version, ann)
    assert fresh(first).lease_owner != ""
    Path(tmp_path / "again").mkdir()
    with workers(redis, environment, tmp_path / "again", 2):
        wait_for(lambda: fresh(second).status == Status.ENDED)
        assert held_by(ann) <= 1


def test_nested_and_recursive_flows_end_with_limits_of_one(
    redis: Redis, product_environment: dict[str, str], tmp_path: Path, ann: User
) -> None:
    publish(tmp_path, "three", THREE, VARIABLES)
    publish(tmp_path, "inner", CALLS.format("three"))
    publish(tmp_path, "middle", CALLS.format("inner"))
    outer = publish(tmp_path, "outer", CALLS.format("middle"))
    recurses = publish(tmp_path, "recurses", RECURSES, N)
    environment = {**product_environment, "WORKERS_PER_PERSON": "1", "WORKERS_PER_FLOW": "1"}
    with workers(redis, environment, tmp_path, 2):
        executions = [begin(version, ann) for version in (outer, recurses) for _ in range(3)]
        most = 0

        def over() -> bool:
            nonlocal most
            most = max(most, held_by(ann))
            return all(fresh(each).status == Status.ENDED for each in executions)

        wait_for(over)
    assert most == 1
    assert Execution.objects.filter(status=Status.ENDED).count() == 3 * (4 + 4)
