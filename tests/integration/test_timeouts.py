"""Block Timeout: of workspaces, waits, children, tasks and effects (semantics 76).

Turns are run in this process, so that a test decides what happens in between.
"""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from executions import recovery, runner
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.models import Execution
from executions.states import Status
from flows.blocks import ALL, timeouts
from flows.blocks.base import SEMAPHORE, TIMEOUT
from tests.driving import ACTOR, begin, drive, expire_leases, fresh, outputs
from tests.flows_in_tests import SQUARE, SQUARE_VARIABLES, WAIT, WAIT_VARIABLES, publish
from tests.unit.test_engine import Run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

#: Milliseconds that a busy machine doesn't need to reach the block that waits.
SHORT = 1500
#: One block with a timeout, whose exception is kept.
ONE = """
a: {{type: Start Flow, bottom: b}}
b:
  type: {block}
  properties: {{{properties}, Block Timeout: {timeout}}}
  bottom: e
  exception: h
h: {{type: Handle Block Exception, properties: {{Exception: ($)Problem}}, bottom: e}}
e: {{type: End Flow}}
"""
ONE_VARIABLES = "{Problem: {output: true}, Result: {output: true, default: untouched}}"

#: A workspace with a timeout around a wait; a loop when Forever is true.
AROUND = """
a: {type: Start Flow, bottom: w}
w:
  type: Workspace
  properties: {Block Timeout: =Limit}
  variables: {N: {default: 0}, Inside: {}}
  blocks:
    s: {type: Start Workspace, bottom: if}
    if: {type: If True Exit Right, properties: {Value: =Forever}, right: l, bottom: wait}
    l: {type: Set Variable, properties: {Value: =N + 1, Variable: ($)N}, bottom: l}
    wait:
      type: Wait For Duration
      properties: {Duration: {Seconds: =Seconds}}
      bottom: x
      exception: hi
    hi: {type: Handle Block Exception, properties: {Exception: ($)Inside}, bottom: x}
    x: {type: End Workspace}
    hw: {type: Handle Workspace Exception, bottom: x}
  bottom: e
  exception: h
h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
e: {type: End Flow}
"""
AROUND_VARIABLES = """
Limit: {input: true, default: null}
Seconds: {input: true, default: 0.1}
Forever: {input: true, default: false}
Problem: {output: true}
"""


def one(folder: Path, block: str, properties: str, timeout: Any) -> Any:
    publish(folder, "square", SQUARE, SQUARE_VARIABLES)
    publish(folder, "wait", WAIT, WAIT_VARIABLES)
    blocks = ONE.format(block=block, properties=properties, timeout=timeout)
    return publish(folder, "one", blocks, ONE_VARIABLES)


class Died(BaseException):
    """What ends a turn as the death of its worker does: nothing handles it."""


def dies(*given: Any, **named: Any) -> None:
    raise Died


@pytest.fixture
def around(tmp_path: Path) -> Any:
    return publish(tmp_path, "around", AROUND, AROUND_VARIABLES)


def wake(execution: Execution) -> None:
    """Let the time of a parked execution come, and run it."""
    deadline = time.monotonic() + 30
    recovery.recover()
    while fresh(execution).status != Status.QUEUED:
        assert time.monotonic() < deadline
        time.sleep(0.02)
        recovery.recover()
    runner.run(execution.pk)


def _until_due(execution: Execution) -> None:
    due_at = fresh(execution).due_at
    assert due_at is not None
    time.sleep(max((due_at - datetime.now(UTC)).total_seconds(), 0) + 0.01)


def test_which_blocks_have_the_common_properties() -> None:
    """Semantics 76, 78: declared once, at the end of each block's properties."""
    boundaries = {"Start Flow", "End Flow", "Start Workspace", "End Workspace"}
    without = {
        block.type for block in ALL if TIMEOUT.name not in {p.name for p in block.properties}
    }
    assert without == boundaries | {"Wait For Duration"}
    without = {block.type for block in ALL if SEMAPHORE not in block.properties}
    assert without == {
        "Start Flow",
        "End Flow",
        "End Workspace",
        "Handle Flow Exception",
        "Wait For Duration",
    }


@pytest.mark.parametrize("limit", [None, 0, {}, {"Seconds": 5}])
def test_null_and_zero_are_no_timeout(around: Any, limit: Any) -> None:
    """Semantics 76."""
    execution = begin(around, Limit=limit)
    assert drive(execution.pk).status == Status.ENDED
    assert outputs(execution)["Problem"] is None


@pytest.mark.parametrize(
    "limit", [-1, 2**31, {"Milliseconds": -1}, {"Days": 25}, {"Years": 9999}, 1e300]
)
def test_a_timeout_that_cannot_be_throws_when_the_block_runs(around: Any, limit: Any) -> None:
    """Semantics 76: negative, or above what milliseconds in an Int32 hold."""
    execution = begin(around, Limit=limit)
    runner.run(execution.pk)
    assert outputs(execution)["Problem"].short_type == "InvalidBlockTimeoutException"


def test_a_workspace_times_out_where_it_waits(around: Any) -> None:
    """Semantics 76: the wait ends early; neither the handlers inside it nor that of the workspace
    see the exception, which the Workspace block throws."""
    execution = begin(around, Limit=SHORT, Seconds=60)
    runner.run(execution.pk)
    assert (fresh(execution).status, execution.reason) == (Status.RUNNING, "time")
    assert execution.due_at is not None
    recovery.recover()
    assert fresh(execution).status == Status.RUNNING
    wake(execution)
    problem = outputs(execution)["Problem"]
    assert problem.short_type == "BlockTimeoutException"
    assert f"{SHORT} milliseconds" in problem.message
    assert problem.extra["BlockId"] == "w"
    assert problem.extra["WorkspaceId"] == ""
    assert problem.extra["FlowId"] == "around"
    assert problem.extra["ExecutionId"] == str(execution.pk)
    assert problem.extra["BlockTimeout"].total_seconds() == SHORT / 1000


def test_a_wait_that_is_over_in_time_goes_on(around: Any) -> None:
    """Semantics 76."""
    execution = begin(around, Limit=60_000)
    runner.run(execution.pk)
    wake(execution)
    assert outputs(execution)["Problem"] is None


def test_a_workspace_that_never_ends_times_out(around: Any) -> None:
    """Semantics 76: looked for before each block."""
    execution = begin(around, Limit=150, Forever=True)
    begun = time.monotonic()
    assert drive(execution.pk).status == Status.ENDED
    assert outputs(execution)["Problem"].short_type == "BlockTimeoutException"
    assert time.monotonic() - begun >= 0.15


def test_a_timeout_survives_its_worker(around: Any) -> None:
    """Semantics 76, design §5: it is by the time at which the visit began."""
    execution = begin(around, Limit=SHORT, Seconds=60)
    runner.run(execution.pk)
    _until_due(execution)
    Execution.objects.filter(pk=execution.pk).update(
        status="Running",
        lease_owner="dead",
        reason="",
        lease_expires_at=fresh(execution).started_at,
    )
    wake(execution)
    assert outputs(execution)["Problem"].short_type == "BlockTimeoutException"


def test_the_first_of_nested_timeouts_is_thrown() -> None:
    """Semantics 76: the inner workspace's, then, from its handler on, the outer one's."""
    blocks = """
    a: {type: Start Flow, bottom: o}
    o:
      type: Workspace
      properties: {Block Timeout: 2000}
      blocks:
        s: {type: Start Workspace, bottom: i}
        i:
          type: Workspace
          properties: {Block Timeout: 1000}
          blocks:
            s: {type: Start Workspace, bottom: l}
            l: {type: Set Variable, properties: {Value: 1, Variable: ($)N}, bottom: l}
          bottom: x
          exception: h
        h: {type: Handle Block Exception, bottom: l}
        l: {type: Set Variable, properties: {Value: 2, Variable: ($)N}, bottom: l}
        x: {type: End Workspace}
      bottom: e
      exception: h
    h: {type: Handle Block Exception, bottom: e}
    e: {type: End Flow}
    """
    run = Run(blocks, "{N: {default: 0, output: true}}")
    assert run.outputs() == {"N": 2}
    assert run.thrown == ["BlockTimeoutException", "BlockTimeoutException"]
    thrown = [
        (t.block, t.exception.extra["BlockTimeout"].seconds)
        for t in run.interpreter.progress.thrown
    ]
    assert thrown == [("o/i", 1), ("o", 2)]


def test_a_pure_block_that_took_too_long_throws() -> None:
    """Semantics 76: its outputs are not saved."""
    run = Run(
        """
        a: {type: Start Flow, bottom: s}
        s:
          type: Set Variable
          properties: {Value: 1, Variable: ($)N, Block Timeout: 0.5}
          bottom: e
          exception: h
        h: {type: Handle Block Exception, bottom: e}
        e: {type: End Flow}
        """,
        "{N: {default: 0, output: true}}",
    )
    assert run.outputs() == {"N": 0}
    assert run.thrown == ["BlockTimeoutException"]


def test_the_flows_handler_times_out_too() -> None:
    """Semantics 76, 45: what its handler throws leaves the flow."""
    run = Run(
        """
        a: {type: Start Flow}
        h:
          type: Handle Flow Exception
          properties: {Block Timeout: 500}
          blocks:
            s: {type: Start Workspace, bottom: l}
            l: {type: If True Exit Right, properties: {Value: true}, right: l, bottom: l}
        """
    )
    assert type(run.go()).__name__ == "Failed"
    assert run.thrown == ["OutputPortNotConnectedException", "BlockTimeoutException"]


def test_run_flow_times_out_and_stops_its_child(tmp_path: Path) -> None:
    """Semantics 76: nobody waits for the child any more."""
    properties = "Flow: wait, Inputs: {Seconds: 60}, Outputs: ($)Result"
    execution = begin(one(tmp_path, "Run Flow", properties, SHORT))
    runner.run(execution.pk)
    assert (fresh(execution).reason, execution.due_at is not None) == ("children", True)
    child = Execution.objects.get(parent=execution)
    runner.run(child.pk)
    wake(execution)
    assert outputs(execution)["Problem"].short_type == "BlockTimeoutException"
    assert outputs(execution)["Result"] == "untouched"
    assert fresh(child).status == Status.STOPPED


def test_a_timeout_survives_the_worker_that_stopped_the_child_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Semantics 76: the child's end does not become the result in the timeout's place."""
    properties = "Flow: wait, Inputs: {Seconds: 60}, Outputs: ($)Result"
    execution = begin(one(tmp_path, "Run Flow", properties, SHORT))
    runner.run(execution.pk)
    child = Execution.objects.get(parent=execution)
    runner.run(child.pk)
    _until_due(execution)
    with monkeypatch.context() as patch:
        # The worker dies between the two: the child is stopped, the timeout not written down.
        patch.setattr(runner, "release", dies)
        patch.setattr(runner, "checkpoint", dies)
        recovery.recover()
        with pytest.raises(Died):
            runner.run(execution.pk)
    assert fresh(child).status == Status.STOPPED
    assert fresh(execution).status == Status.RUNNING
    expire_leases()
    drive(execution.pk)
    assert outputs(execution)["Problem"].short_type == "BlockTimeoutException"
    assert outputs(execution)["Result"] == "untouched"


def test_run_flow_in_time_has_no_due_time_left(tmp_path: Path) -> None:
    """Semantics 76."""
    properties = "Flow: square, Inputs: {N: 3}, Outputs: ($)Result"
    execution = begin(one(tmp_path, "Run Flow", properties, 60_000))
    assert drive(execution.pk).due_at is None
    assert outputs(execution) == {"Problem": None, "Result": {"Square": 9}}


@pytest.mark.parametrize("crash", [False, True])
def test_wait_for_task_times_out_and_the_task_goes_on(tmp_path: Path, crash: bool) -> None:
    """Semantics 76, 71."""
    publish(tmp_path, "wait", WAIT, WAIT_VARIABLES)
    blocks = """
    a: {type: Start Flow, bottom: r}
    r:
      type: Run Flow Async
      properties: {Flow: wait, Inputs: {Seconds: 60}, Execution Task: ($)Task}
      bottom: w
    w: {type: Wait For Task, properties: {Task: ($)Task, Block Timeout: 1500}, exception: h}
    h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
    e: {type: End Flow}
    """
    version = publish(tmp_path, "impatient", blocks, "{Task: {}, Problem: {output: true}}")
    execution = begin(version)
    runner.run(execution.pk)
    assert fresh(execution).awaits
    if crash:
        expire_leases()
        recovery.recover()
    wake(execution)
    assert outputs(execution)["Problem"].short_type == "BlockTimeoutException"
    child = Execution.objects.get(parent=execution)
    assert (fresh(child).status, fresh(execution).awaits) == (Status.QUEUED, None)


def test_a_paused_wait_times_out_when_it_goes_on(around: Any, admin_user: User) -> None:
    """Semantics 76, 86: time passes while it is paused."""
    execution = begin(around, Limit=SHORT, Seconds=60)
    runner.run(execution.pk)
    assert run_command("pause", CommandRequest(fresh(execution), admin_user, ACTOR)).done
    _until_due(execution)
    recovery.recover()
    assert fresh(execution).status == Status.PAUSED
    assert run_command("continue", CommandRequest(execution, admin_user, ACTOR)).done
    runner.run(execution.pk)
    assert outputs(execution)["Problem"].short_type == "BlockTimeoutException"


@pytest.fixture
def dripping(settings: Any) -> Iterator[str]:
    """The address of a server that answers a byte at a time and never ends."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        try:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while True:
                    connection.sendall(b"x")
                    time.sleep(0.05)
        except OSError:
            return

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    listening.close()
    thread.join(5)


def test_an_effect_that_hangs_is_ended(tmp_path: Path, dripping: str) -> None:
    """Semantics 76: also one that gets a byte every now and then."""
    properties = f"Http Request: {{Uri: '{dripping}'}}, Http Response: ($)Result"
    execution = begin(one(tmp_path, "Execute Http Request", properties, 400))
    begun = time.monotonic()
    runner.run(execution.pk)
    assert 0.4 <= time.monotonic() - begun < 30
    assert outputs(execution)["Problem"].short_type == "BlockTimeoutException"
    assert outputs(execution)["Result"] == "untouched"


def test_periods_are_structures_durations_or_milliseconds() -> None:
    """Semantics 76."""
    now = datetime(2026, 1, 31, tzinfo=UTC)
    assert timeouts.milliseconds({"Months": 1}, now, "Block Timeout") == 28 * 86_400_000
    assert timeouts.milliseconds(timedelta(seconds=2), now, "Block Timeout") == 2000
    assert timeouts.milliseconds(1500, now, "Block Timeout") == 1500
