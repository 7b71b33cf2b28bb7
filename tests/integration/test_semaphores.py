"""The common property Semaphore: who holds it, who waits, what an end does (semantics 78 to 83).

Turns are run in this process, so that a test decides what happens in between.
"""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from executions import recovery, runner
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.engine.state import Acquire
from executions.models import Execution, Semaphore, SemaphoreTicket
from executions.states import Status
from executions.store.lifecycle.claims import claim
from tests.driving import ACTOR, begin, drive, expire_leases, fresh, outputs
from tests.flows_in_tests import publish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

#: Holds a semaphore for the visit of a workspace that waits.
HOLD = """
a: {type: Start Flow, bottom: w}
w:
  type: Workspace
  properties:
    Semaphore: {Name: pump, Scope: =Scope, ConcurrencyLimit: =Limit, Queue: =Queue}
  blocks:
    s: {type: Start Workspace, bottom: wait}
    wait: {type: Wait For Duration, properties: {Duration: {Seconds: =Seconds}}, bottom: x}
    x: {type: End Workspace}
  bottom: e
  exception: h
h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
e: {type: End Flow}
"""
HOLD_VARIABLES = """
Scope: {input: true, default: null}
Limit: {input: true, default: 1}
Queue: {input: true, default: null}
Seconds: {input: true, default: 60.0}
Problem: {output: true}
"""


@pytest.fixture
def flow(tmp_path: Path) -> Any:
    return publish(tmp_path, "hold", HOLD, HOLD_VARIABLES)


def run(version: Any, **inputs: Any) -> Execution:
    execution = begin(version, **inputs)
    runner.run(execution.pk)
    return fresh(execution)


def stages() -> list[str]:
    return list(SemaphoreTicket.objects.order_by("id").values_list("stage", flat=True))


def stop(execution: Execution, user: User) -> None:
    assert run_command("stop", CommandRequest(fresh(execution), user, ACTOR)).done


def test_who_does_not_queue_is_refused(flow: Any) -> None:
    """Semantics 79: at once, Queued=false; the step of the block ends on its red port."""
    holder = run(flow)
    assert holder.reason == "time"
    problem = outputs(run(flow))["Problem"]
    assert problem.short_type == "SemaphoreCouldNotBeAcquiredException"
    assert problem.extra == {
        "Semaphore": "/default/default/*/default/*/*/pump",
        "ConcurrencyLimit": 1,
        "Queued": False,
    }
    assert stages() == ["held"]


def test_it_is_held_for_the_visit_of_a_workspace_and_deleted_with_its_last_holder(
    flow: Any,
) -> None:
    """Semantics 81, 82."""
    holder = run(flow, Seconds=0.05)
    assert Semaphore.objects.count() == 1
    assert drive(holder.pk).status == Status.ENDED
    assert not Semaphore.objects.exists()
    assert not SemaphoreTicket.objects.exists()


def test_as_many_as_the_limit_hold_it(flow: Any) -> None:
    """Semantics 78, 81: the limit is the creator's for as long as it exists; then a new one."""
    assert [run(flow, Limit=2).reason for _ in range(2)] == ["time", "time"]
    refused = outputs(run(flow, Limit=5))["Problem"]
    assert refused.extra["ConcurrencyLimit"] == 2


def test_after_the_last_release_another_limit_applies(flow: Any, admin_user: User) -> None:
    """Semantics 81: also when the holder is stopped."""
    stop(run(flow, Limit=1), admin_user)
    assert not Semaphore.objects.exists()
    assert [run(flow, Limit=2).reason for _ in range(2)] == ["time", "time"]


def test_the_queue_is_in_order_of_priority_then_of_coming(flow: Any, admin_user: User) -> None:
    """Semantics 80: parked, with a reason; each release grants it to the next, who is woken."""
    holder = run(flow)
    late, first, second, urgent = (
        run(flow, Queue={"Priority": priority}) for priority in (5, 1, 1, -3)
    )
    waiting = [late, first, second, urgent]
    assert {(w.status, w.reason, w.lease_owner) for w in waiting} == {("Running", "semaphore", "")}
    for expected in (urgent, first, second, late):
        stop(holder, admin_user)
        woken = [w for w in waiting if fresh(w).status == Status.QUEUED]
        assert woken == [expected]
        runner.run(expected.pk)
        assert fresh(expected).reason == "time"
        waiting.remove(expected)
        holder = expected
    stop(holder, admin_user)
    assert not Semaphore.objects.exists()


def test_the_time_in_the_queue_may_be_limited(flow: Any) -> None:
    """Semantics 80: it leaves the queue, and throws with Queued=true."""
    run(flow)
    waiting = run(flow, Queue={"QueueTimeout": 1500})
    assert waiting.due_at is not None
    recovery.recover()
    assert fresh(waiting).status == Status.RUNNING
    time.sleep(1.5)
    recovery.recover()
    runner.run(waiting.pk)
    problem = outputs(waiting)["Problem"]
    assert (problem.short_type, problem.extra["Queued"]) == (
        "SemaphoreCouldNotBeAcquiredException",
        True,
    )
    assert stages() == ["held"]


def test_one_that_is_stopped_leaves_the_queue(flow: Any, admin_user: User) -> None:
    """Semantics 80, 81."""
    holder, first, second = run(flow), run(flow, Queue={}), run(flow, Queue={})
    stop(first, admin_user)
    assert stages() == ["held", "waiting"]
    stop(holder, admin_user)
    assert fresh(second).status == Status.QUEUED


def test_one_that_is_paused_keeps_its_turn(flow: Any, admin_user: User) -> None:
    """Semantics 80, 86."""
    holder, waiting = run(flow), run(flow, Queue={})
    assert run_command("pause", CommandRequest(waiting, admin_user, ACTOR)).done
    stop(holder, admin_user)
    assert (fresh(waiting).status, stages()) == (Status.PAUSED, ["granted"])
    assert run_command("continue", CommandRequest(waiting, admin_user, ACTOR)).done
    runner.run(waiting.pk)
    assert (fresh(waiting).reason, stages()) == ("time", ["held"])


def test_a_holder_whose_worker_dies_holds_it_on(flow: Any) -> None:
    """Semantics 81, design §5: it goes on from its checkpoint, and releases at its end."""
    execution = begin(flow, Seconds=0.05)
    claimed = claim(execution.pk, "dies")
    assert claimed is not None
    turn = runner._Turn(claimed)
    turn.interpreter.begin(claimed.inputs)
    decision = turn.interpreter.advance(runner.Continue(), runner.Budget(9, time.time() + 9))
    assert isinstance(decision, Acquire)
    assert turn._carry_out(decision) == runner.Continue()
    expire_leases()
    recovery.recover()
    assert stages() == ["held"]
    refused = outputs(run(flow))["Problem"]
    assert refused.short_type == "SemaphoreCouldNotBeAcquiredException"
    assert drive(execution.pk).status == Status.ENDED
    assert not Semaphore.objects.exists()


def test_a_worker_that_dies_before_it_is_written_down_holds_nothing(flow: Any) -> None:
    """Semantics 81, design §5: acquiring and the checkpoint are one transaction."""
    execution = begin(flow)
    claimed = claim(execution.pk, "frozen")
    assert claimed is not None
    turn = runner._Turn(claimed)
    turn.interpreter.begin(claimed.inputs)
    decision = turn.interpreter.advance(runner.Continue(), runner.Budget(9, time.time() + 9))
    expire_leases()
    recovery.recover()
    with pytest.raises(runner.LeaseLost):
        turn._carry_out(decision)
    assert not Semaphore.objects.exists()


def test_one_that_was_granted_it_and_lost_its_worker_is_found(flow: Any, admin_user: User) -> None:
    """Semantics 80: a grant whose wake-up was missed is found by recovery."""
    holder, waiting = run(flow), run(flow, Queue={})
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE executions_semaphoreticket SET stage = 'granted' WHERE stage = 'waiting'"
        )
        cursor.execute(
            "DELETE FROM executions_semaphoreticket WHERE execution_id = %s", [holder.pk]
        )
    recovery.recover()
    assert fresh(waiting).status == Status.QUEUED
    claimed = claim(waiting.pk, "dies")
    assert claimed is not None
    expire_leases()
    recovery.recover()
    runner.run(waiting.pk)
    assert (fresh(waiting).reason, stages()) == ("time", ["held"])


def test_an_exception_that_leaves_the_workspace_releases_it(tmp_path: Path) -> None:
    """Semantics 82; and the semaphore of a pure block is free when it is left."""
    blocks = """
    a: {type: Start Flow, bottom: w}
    w:
      type: Workspace
      properties: {Semaphore: {Name: one, ConcurrencyLimit: 1}}
      blocks:
        s: {type: Start Workspace, bottom: set}
        set:
          type: Set Variable
          properties: {Value: 1, Variable: ($)N, Semaphore: {Name: two, ConcurrencyLimit: 1}}
          bottom: again
        again:
          type: Set Variable
          properties: {Value: 2, Variable: ($)N, Semaphore: {Name: two, ConcurrencyLimit: 1}}
          bottom: t
        t: {type: Throw New Flow Exception, properties: {Message: out}}
      exception: h
    h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: wait}
    wait: {type: Wait For Duration, properties: {Duration: {Seconds: 60}}, bottom: e}
    e: {type: End Flow}
    """
    version = publish(tmp_path, "thrower", blocks, "{N: {default: 0}, Problem: {output: true}}")
    assert run(version).reason == "time"
    assert not Semaphore.objects.exists()


def test_a_block_that_asks_for_what_it_holds_waits_for_itself(tmp_path: Path) -> None:
    """Semantics 82: deadlocks are the designer's problem; a Block Timeout around ends this one."""
    blocks = """
    a: {type: Start Flow, bottom: w}
    w:
      type: Workspace
      properties: {Semaphore: {Name: one, ConcurrencyLimit: 1}, Block Timeout: 200}
      blocks:
        s: {type: Start Workspace, bottom: set}
        set:
          type: Set Variable
          properties:
            Value: 1
            Variable: ($)N
            Semaphore: {Name: one, ConcurrencyLimit: 1, Queue: {Priority: 0}}
          bottom: x
        x: {type: End Workspace}
      bottom: e
      exception: h
    h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
    e: {type: End Flow}
    """
    version = publish(tmp_path, "deadlock", blocks, "{N: {default: 0}, Problem: {output: true}}")
    execution = run(version)
    assert (execution.reason, stages()) == ("semaphore", ["held", "waiting"])
    assert drive(execution.pk).status == Status.ENDED
    assert outputs(execution)["Problem"].short_type == "BlockTimeoutException"
    assert not Semaphore.objects.exists()


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        (None, "/default/default/*/default/*/*/pump"),
        ({"Flow": "Current"}, "/default/default/*/default/*/hold/pump"),
        (
            {"Tenant": "All", "System": "ScopeOption.All", "Package": "all"},
            "/*/*/*/*/*/*/pump",
        ),
    ],
)
def test_scope_and_name_identify_a_semaphore(flow: Any, scope: Any, path: str) -> None:
    """Semantics 78, 83: All is a value of its own, beside every Current one."""
    run(flow, Scope={"Tenant": "All", "Flow": "Current"})
    assert run(flow, Scope=scope).reason == "time"
    assert Semaphore.objects.filter(path=path).exists()


@pytest.mark.parametrize(
    ("inputs", "thrown"),
    [
        ({"Limit": 0}, "PropertyValueOutOfRangeException"),
        ({"Limit": -1}, "PropertyValueOutOfRangeException"),
        ({"Queue": {"QueueTimeout": -1}}, "PropertyValueOutOfRangeException"),
        ({"Queue": {"Prio": 1}}, "InvalidPropertyValueException"),
        ({"Queue": {"Priority": "high"}}, "InvalidPropertyValueException"),
        ({"Scope": {"Flow": "Some"}}, "ArgumentException"),
        ({"Scope": {"Folder": "All"}}, "InvalidPropertyValueException"),
    ],
)
def test_what_is_no_semaphore_throws(flow: Any, inputs: Any, thrown: str) -> None:
    """Semantics 82: a ConcurrencyLimit below 1 would let nobody in."""
    assert outputs(run(flow, **inputs))["Problem"].short_type == thrown


@pytest.mark.parametrize(
    ("name", "thrown"), [("null", "PropertyNullException"), ("''", "PropertyEmptyException")]
)
def test_a_semaphore_has_a_name(tmp_path: Path, name: str, thrown: str) -> None:
    """Semantics 78."""
    blocks = HOLD.replace("Name: pump", f"Name: {name}")
    version = publish(tmp_path, "nameless", blocks, HOLD_VARIABLES)
    assert outputs(run(version))["Problem"].short_type == thrown


def test_never_more_than_the_limit_hold_it_on_several_connections(flow: Any) -> None:
    """Semantics 78, 80: twelve executions on four threads, two at a time."""
    made = [begin(flow, Limit=2, Queue={}, Seconds=0.02).pk for _ in range(12)]
    most: list[int] = []
    done = threading.Event()

    def work() -> None:
        try:
            while not done.is_set():
                for pk in Execution.objects.filter(status="Queued").values_list("pk", flat=True):
                    runner.run(pk)
                    held = SemaphoreTicket.objects.exclude(stage="waiting").count()
                    most.append(held)
                recovery.recover()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while Execution.objects.filter(pk__in=made, ended_at=None).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    done.set()
    for thread in threads:
        thread.join()
    assert max(most) <= 2
    assert set(Execution.objects.values_list("status", flat=True)) == {"Ended"}
    assert not Semaphore.objects.exists()


@pytest.mark.parametrize("waits", [False, True])
def test_setting_the_next_block_gives_it_up(flow: Any, admin_user: User, waits: bool) -> None:
    """Semantics 81, 89: what is left by hand is left; also a place in the queue."""
    holder = run(flow)
    moved = run(flow, Queue={}) if waits else holder
    assert run_command("pause", CommandRequest(moved, admin_user, ACTOR)).done
    other = run(flow, Queue={})
    given = run_command("set-next", CommandRequest(fresh(moved), admin_user, ACTOR, {"block": "e"}))
    assert given.done, given.detail
    if waits:
        assert stages() == ["held", "waiting"]
        stop(holder, admin_user)
    assert fresh(other).status == Status.QUEUED
    assert run_command("continue", CommandRequest(fresh(moved), admin_user, ACTOR)).done
    runner.run(moved.pk)
    assert fresh(moved).status == Status.ENDED
    stop(other, admin_user)
    assert not Semaphore.objects.exists()
