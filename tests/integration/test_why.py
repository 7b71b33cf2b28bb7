"""Why an execution is not moving: one sentence for each reason there is."""

import socket
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from redis import Redis

import executions.why
from executions import queues, runner, workers
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.models import Execution, Semaphore, SemaphoreTicket
from executions.states import Status
from flows.models import FlowVersion
from tests.executions_in_tests import make_execution, why
from tests.flows_in_tests import (
    LOOP,
    LOOP_VARIABLES,
    PARENT,
    PARENT_VARIABLES,
    SQUARE,
    SQUARE_VARIABLES,
    WAIT,
    WAIT_VARIABLES,
    publish,
)
from tests.servers import celery_worker

pytestmark = pytest.mark.django_db(transaction=True)


def begin(version: FlowVersion, user: User, **options: object) -> Execution:
    inputs = options.pop("inputs", {})
    actor = Actor(user.pk, user.get_username(), "page")
    return start(version, inputs, actor, Execution.Trigger.PAGE, **options)  # type: ignore[arg-type]


def turn(execution: Execution) -> Execution:
    runner.run(execution.pk)
    execution.refresh_from_db()
    return execution


def test_queued(loop: FlowVersion, admin_user: User, redis: Redis) -> None:
    first, second = begin(loop, admin_user), begin(loop, admin_user)
    first.refresh_from_db()
    second.refresh_from_db()
    assert "no worker is online" in why(first)
    assert "1 wait before it" in why(second)
    now = time.time()
    online = workers.Worker(
        name="w@host", slots=2, busy=0, queues=queues.ALL, started_at=now, seen_at=now
    )
    workers.record(online)
    assert why(first) == "Waiting for a worker to run 'Start Flow'; it is next."
    assert why(second) == "Waiting for a worker: 1 execution waits before it."
    redis.delete(workers.KEY)
    make_execution(
        admin_user,
        lease_owner="host:1:a:b",
        lease_expires_at=timezone.now() + timedelta(seconds=9),
    )
    assert "no worker" not in why(first)


def test_paused_by_whom_and_when(loop: FlowVersion, admin_user: User, redis: Redis) -> None:
    execution = turn(begin(loop, admin_user, paused=True))
    assert why(execution).startswith("Paused before 'Start Flow' in Top-level by admin ")
    actor = Actor(admin_user.pk, "admin", "page")
    assert run_command(
        "breakpoint", CommandRequest(execution, admin_user, actor, {"block": "add"})
    ).done
    assert run_command("step", CommandRequest(execution, admin_user, actor)).done
    assert ", after a step by admin " in why(turn(execution))
    assert run_command("continue", CommandRequest(execution, admin_user, actor)).done
    expected = "Paused at the breakpoint above 'Add Item At End' in Top-level."
    assert why(turn(execution)) == expected
    assert run_command("stop", CommandRequest(execution, admin_user, actor)).done
    execution.refresh_from_db()
    assert why(execution).startswith("Stopped by admin ")


def test_waiting_for_children_and_until_when(
    tmp_path: Path, admin_user: User, redis: Redis
) -> None:
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    parent = publish(tmp_path, "parent", PARENT, PARENT_VARIABLES)
    execution = turn(begin(parent, admin_user, inputs={"N": 2}))
    assert why(execution) == "Waiting for 1 child execution at 'Run Flow': square (Queued)."
    own = Execution.objects.filter(pk=execution.pk)
    assert executions.why.why(execution, own) == "Waiting for 1 child execution at 'Run Flow'."
    wait = publish(tmp_path, "wait", WAIT, WAIT_VARIABLES)
    execution = turn(begin(wait, admin_user, inputs={"Seconds": 60}))
    assert why(execution).startswith("Waiting at 'Sleep' until ")


def test_on_an_exception_port(tmp_path: Path, admin_user: User, redis: Redis) -> None:
    square = publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    execution = turn(begin(square, admin_user, inputs={"N": -2}, break_on_exception=True))
    assert why(execution) == (
        "negative (FlowException). Paused on the exception port of 'Throw New Flow Exception', "
        "because break on exception is on."
    )


def test_behind_a_semaphore(admin_user: User) -> None:
    holder = make_execution(admin_user, "holds")
    waits = make_execution(
        admin_user, "waits", reason="semaphore", block_description="Critical", state={}
    )
    semaphore = Semaphore.objects.create(
        path="/one", concurrency_limit=1, created_at=timezone.now()
    )
    for execution, stage in ((holder, "held"), (waits, "waiting")):
        SemaphoreTicket.objects.create(
            semaphore=semaphore,
            execution=execution,
            level=0,
            block="b",
            stage=stage,
            at=timezone.now(),
        )
    assert why(waits) == (
        f"Waiting at 'Critical' for the semaphore /one, held by holds {holder.pk}."
    )
    nobody = Execution.objects.none()
    assert executions.why.why(waits, nobody) == (
        "Waiting at 'Critical' for the semaphore /one, held by executions that you may not see."
    )


def test_in_a_block_for_long(admin_user: User) -> None:
    now = timezone.now()
    execution = make_execution(
        admin_user,
        block_description="Slow",
        lease_owner="host:1:a:b",
        lease_expires_at=now + timedelta(seconds=9),
        state={"since": now.timestamp() - 75},
    )
    assert why(execution).startswith("In Top-level at 'Slow', which has run for 1 m 15 s")
    execution.lease_expires_at = now - timedelta(seconds=3)
    assert "another one takes over" in why(execution)


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_sentence(admin_user: User, redis: Redis, status: Status) -> None:
    sentence = why(make_execution(admin_user, status=status, error_type="Bad"))
    assert sentence.endswith(".") or status is Status.ERROR
    assert "None" not in sentence


HANGS = """
a: {type: Start Flow, bottom: r}
r: {type: Execute Http Request, properties: {Http Request: {Uri: URI}}, bottom: e}
e: {type: End Flow}
"""


def test_a_forced_stop_ends_a_block_that_hangs(
    tmp_path: Path, admin_user: User, redis: Redis, product_environment: dict[str, str]
) -> None:
    """With a real worker, which also says that it is online. Both of its processes hang, at a
    server that never answers; it goes on with other executions in new ones."""
    environment = {**product_environment, "HTTP_PRIVATE_ADDRESSES": "127.0.0.0/8"}
    worker = celery_worker(tmp_path / "worker.log", environment)
    server = socket.create_server(("127.0.0.1", 0))
    try:
        uri = f"http://127.0.0.1:{server.getsockname()[1]}/"
        version = publish(tmp_path, "hangs", HANGS.replace("URI", f'"{uri}"'))
        hanging = [begin(version, admin_user) for _ in range(2)]
        for execution in hanging:
            wait_for(execution, Status.RUNNING, block="r")
        assert workers.is_online()
        actor = Actor(admin_user.pk, "admin", "page")
        for execution in hanging:
            assert run_command("force-stop", CommandRequest(execution, admin_user, actor)).done
            execution.refresh_from_db()
            assert execution.status == Status.STOPPED
        loop = publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)
        rest = [begin(loop, admin_user) for _ in range(6)]
        for execution in rest:
            wait_for(execution, Status.ENDED)
        for execution in hanging:
            execution.refresh_from_db()
            assert execution.status == Status.STOPPED
    finally:
        worker.kill()
        server.close()


def wait_for(execution: Execution, status: Status, block: str = "") -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        execution.refresh_from_db()
        if execution.status == status and (not block or execution.block == block):
            return
        time.sleep(0.05)
    raise AssertionError(f"it is {execution.status} at {execution.block}")
