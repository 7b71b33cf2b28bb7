"""People and flows share the workers: nobody waits for all that another has started."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from redis import Redis

from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import Execution
from executions.queues import ALL, FairRoundRobin, queue_of
from executions.states import Status
from flows.models import FlowVersion
from tests.driving import fresh
from tests.flows_in_tests import publish
from tests.servers import celery_worker

LOOP = """
a: {type: Start Flow, bottom: s}
s: {type: Set Variable, properties: {Value: 1, Variable: ($)Out}, bottom: s}
"""
THREE = """
a: {type: Start Flow, bottom: s}
s: {type: Set Variable, properties: {Value: 1, Variable: ($)Out}, bottom: e}
e: {type: End Flow}
"""
VARIABLES = "{Out: {output: true}}"


def test_people_take_turns_and_so_do_the_flows_of_one() -> None:
    turns = FairRoundRobin(["celery", "executions.0.0", "executions.0.long", "executions.1.0"])
    served = []
    waiting = {"executions.0.0": 3, "executions.0.long": 9, "executions.1.0": 3}
    for _ in range(12):
        queue = next(q for q in turns.consume(9) if waiting.get(q))
        waiting[queue] -= 1
        served.append(turns.rotate(queue))
    mine, long, other = "executions.0.0", "executions.0.long", "executions.1.0"
    assert served[:8] == [mine, other, long, other, mine, other, long, mine]
    assert served[8:] == [long] * 4
    assert turns.consume(1) == ["celery"]
    turns.update(["executions.2.1"])
    assert turns.consume(9) == ["executions.2.1"]
    turns.rotate("unknown")


def test_every_queue_of_an_execution_is_one_that_workers_take_from() -> None:
    for initiator in (None, 1, 2, 7, 8, 123456):
        for name in ("a", "größe", "x" * 120):
            assert queue_of(initiator, name) in ALL
            assert queue_of(initiator, name, slice_used=True) in ALL
    assert queue_of(1, "a") != queue_of(2, "a")
    assert queue_of(1, "a") != queue_of(1, "a", slice_used=True)


@pytest.fixture
def worker_with_two_processes(
    redis: Redis, product_environment: dict[str, str], tmp_path: Path
) -> Iterator[None]:
    redis.delete(*ALL)
    process = celery_worker(tmp_path / "worker.log", product_environment, 2)
    try:
        yield
    finally:
        process.kill()
        redis.delete(*ALL)


def begin(version: FlowVersion, user: User) -> Execution:
    actor = Actor(user.pk, user.username, "page")
    return start(version, {}, actor, Execution.Trigger.PAGE)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def turns_of(loops: list[Execution]) -> dict[UUID, int]:
    """How far each of them is."""
    ids = [each.pk for each in loops]
    return dict(Execution.objects.filter(pk__in=ids).values_list("pk", "revision"))


def served_before(version: FlowVersion, user: User, loops: list[Execution]) -> int:
    """How many of the loops have a turn from the start of an execution to its end."""
    before = turns_of(loops)
    execution = begin(version, user)
    wait_until(lambda: fresh(execution).status == Status.ENDED)
    after = turns_of(loops)
    return sum(after[pk] != revision for pk, revision in before.items())


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("worker_with_two_processes")
def test_three_blocks_do_not_wait_for_thirty_loops(tmp_path: Path) -> None:
    loop = publish(tmp_path, "loop", LOOP, VARIABLES)
    three = publish(tmp_path, "three", THREE, VARIABLES)
    ann, bob = User.objects.create_user("ann"), User.objects.create_user("bob")
    served_before(three, bob, [])
    loops = [begin(loop, ann) for _ in range(30)]
    wait_until(lambda: sum(bool(fresh(each).step_count) for each in loops) > 2)
    others = sorted(served_before(three, bob, loops) for _ in range(7))
    own = sorted(served_before(three, ann, loops) for _ in range(3))
    print(f"loops served first, beside 30 of another: {others}; beside 30 of one's own: {own}")
    # In the order of their coming, each would wait until all loops have had a turn.
    assert others[3] < 8
    assert own[1] < 12
    wait_until(lambda: all(fresh(each).step_count for each in loops))
