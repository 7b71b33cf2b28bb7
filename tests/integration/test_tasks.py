"""Run Flow Async and the palette Tasks: executions that a flow starts and goes on beside.

Turns are run in this process, so that a test decides what happens in between.
"""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from executions import recovery, runner
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.models import Execution, Step
from executions.states import Status
from executions.store.lifecycle.checkpoints import LeaseLost
from executions.store.lifecycle.claims import claim
from flows.values import TaskValue
from tests.driving import ACTOR, begin, drive, expire_leases, fresh, outputs
from tests.flows_in_tests import SQUARE, SQUARE_VARIABLES, WAIT, WAIT_VARIABLES, publish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

#: Starts `square` and goes on; `look` keeps the task's properties as they are then.
ASYNC = """
a: {type: Start Flow, bottom: run}
run:
  type: Run Flow Async
  properties: {Flow: square, Inputs: {N: =N}, Execution Task: ($)Task}
  bottom: wait
  exception: h
wait: {type: Wait For Duration, properties: {Duration: {Seconds: =Seconds}}, bottom: look}
look:
  type: Set Variable
  properties:
    Value: "={'s': Task.Status, 'all': [Task], 'done': Task.IsCompleted}"
    Variable: ($)Seen
  bottom: e
h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
e: {type: End Flow}
"""
ASYNC_VARIABLES = """
N: {input: true}
Seconds: {input: true, default: 0}
Task: {output: true}
Seen: {output: true}
Problem: {output: true}
"""

#: Starts a task for each of Ns, then does one more block with them.
MANY = """
a: {{type: Start Flow, bottom: l}}
l:
  type: For Each Loop
  properties: {{Collection: =Ns, Current Iteration: ($)It}}
  right: run
  bottom: do
run:
  type: Run Flow Async
  properties: {{Flow: {flow}, Inputs: {{{input}: =It.Value}}, Execution Task: ($)Task}}
  bottom: add
add: {{type: Add Item At End, properties: {{List: ($)Tasks, Item: ($)Task}}, bottom: l}}
do: {{type: {block}, properties: {{{properties}}}, bottom: e, exception: h}}
h: {{type: Handle Block Exception, properties: {{Exception: ($)Problem}}, bottom: e}}
e: {{type: End Flow}}
"""
MANY_VARIABLES = """
Ns: {input: true, default: [1]}
It: {}
Task: {}
Tasks: {default: [], output: true}
Result: {output: true, default: untouched}
Problem: {output: true}
"""
WAIT_FOR_ALL = ("Wait For All Tasks", "Tasks: ($)Tasks, Results: ($)Result")
WAIT_FOR_ONE = ("Wait For Task", "Task: '=Tasks[0]', Result: ($)Result")


def many(folder: Path, block: str, properties: str, flow: str = "square", name: str = "N") -> Any:
    publish(folder, "square", SQUARE, SQUARE_VARIABLES)
    publish(folder, "wait", WAIT, WAIT_VARIABLES)
    blocks = MANY.format(block=block, properties=properties, flow=flow, input=name)
    return publish(folder, "many", blocks, MANY_VARIABLES)


def children(execution: Execution) -> list[Execution]:
    return list(Execution.objects.filter(parent=execution).order_by("pk"))


@pytest.fixture
def parent(tmp_path: Path) -> Any:
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    return publish(tmp_path, "async", ASYNC, ASYNC_VARIABLES)


def test_a_task_is_started_and_the_flow_goes_on(parent: Any) -> None:
    """Semantics 68: at once; the child is an execution of its own (67)."""
    execution = begin(parent, N=5)
    runner.run(execution.pk)
    assert (fresh(execution).reason, execution.child_count) == ("time", 1)
    (child,) = children(execution)
    assert (child.status, child.trigger, child.depth) == (Status.QUEUED, "task", 1)
    assert child.root_id == execution.pk
    recovery.recover()
    runner.run(execution.pk)
    result = outputs(execution)
    assert result["Task"] == TaskValue(str(child.pk))
    assert result["Seen"] == {"s": "Running", "all": [result["Task"]], "done": False}


def test_a_task_is_live(parent: Any) -> None:
    """Semantics 68: what it says is read when it is evaluated."""
    execution = begin(parent, N=5)
    runner.run(execution.pk)
    runner.run(children(execution)[0].pk)
    assert drive(execution.pk).status == Status.ENDED
    assert outputs(execution)["Seen"]["s"] == "RanToCompletion"


def test_a_task_is_read_step_by_step(parent: Any, admin_user: User) -> None:
    """Semantics 68, 86: looking a task up is no step of its own."""
    execution = begin(parent, paused=True, N=5)
    for _ in range(20):
        runner.run(execution.pk)
        recovery.recover()
        if fresh(execution).status == Status.PAUSED:
            run_command("step", CommandRequest(execution, admin_user, ACTOR))
    assert execution.status == Status.ENDED
    assert outputs(execution)["Seen"]["s"] == "Running"


def test_a_child_is_inserted_with_the_checkpoint_or_not_at_all(parent: Any) -> None:
    """Semantics 68, design §5: a worker that lost its lease leaves no child behind."""
    execution = begin(parent, N=5)
    claimed = claim(execution.pk, "frozen")
    assert claimed is not None
    expire_leases()
    recovery.recover()
    with pytest.raises(LeaseLost):
        runner._Turn(claimed).run()
    assert children(execution) == []
    runner.run(execution.pk)
    assert len(children(execution)) == 1
    steps = Step.objects.filter(execution=execution).order_by("number")
    assert list(steps.values_list("block", flat=True)) == ["a", "run"]


def test_invalid_inputs_of_a_task_throw(parent: Any) -> None:
    """Semantics 63."""
    execution = begin(parent, N="five")
    runner.run(execution.pk)
    assert outputs(execution)["Problem"].short_type == "InvalidInputVariablesException"
    assert children(execution) == []


def test_a_task_outlives_its_parent(parent: Any, admin_user: User) -> None:
    """Semantics 70, 71: also when the parent is stopped; its failure is noticed by nobody."""
    execution = begin(parent, N=-1, Seconds=60)
    runner.run(execution.pk)
    assert run_command("stop", CommandRequest(fresh(execution), admin_user, ACTOR)).done
    (child,) = children(execution)
    assert (fresh(execution).status, child.status) == (Status.STOPPED, Status.QUEUED)
    runner.run(child.pk)
    assert fresh(child).status == Status.ERROR
    assert fresh(execution).status == Status.STOPPED


def test_wait_for_task_gives_the_outputs(tmp_path: Path) -> None:
    """Semantics 72: it parks; the end of the task wakes it."""
    execution = begin(many(tmp_path, *WAIT_FOR_ONE), Ns=[3])
    runner.run(execution.pk)
    assert (fresh(execution).status, execution.reason) == (Status.RUNNING, "children")
    assert execution.lease_owner == ""
    runner.run(children(execution)[0].pk)
    assert (fresh(execution).status, execution.awaits) == (Status.QUEUED, None)
    runner.run(execution.pk)
    assert outputs(execution)["Result"] == {"Square": 9}


def test_wait_for_task_goes_on_at_once_when_it_is_completed(parent: Any, tmp_path: Path) -> None:
    """Semantics 72; a task of the parent may be awaited by its child, and is found by its own
    family alone."""
    waiter = """
    a: {type: Start Flow, bottom: w}
    w: {type: Wait For Task, properties: {Task: ($)Task, Result: ($)R}, bottom: e, exception: h}
    h: {type: Handle Block Exception, properties: {Exception: ($)P}, bottom: e}
    e: {type: End Flow}
    """
    version = publish(
        tmp_path, "waiter", waiter, "{Task: {input: true}, R: {output: true}, P: {output: true}}"
    )
    first = begin(parent, N=5)
    done = drive(first.pk)
    stranger = begin(version, Task=TaskValue(str(children(done)[0].pk)))
    runner.run(stranger.pk)
    assert outputs(stranger)["P"].short_type == "TaskNotFoundException"


@pytest.mark.parametrize("end", ["faulted", "cancelled"])
def test_wait_for_task_throws_what_the_task_ended_with(
    tmp_path: Path, admin_user: User, end: str
) -> None:
    """Semantics 72, 75: the exception itself; FlowExecutionStoppedException for a stop."""
    execution = begin(many(tmp_path, *WAIT_FOR_ONE), Ns=[-1])
    runner.run(execution.pk)
    (child,) = children(execution)
    if end == "faulted":
        runner.run(child.pk)
    else:
        run_command("stop", CommandRequest(child, admin_user, ACTOR))
    assert drive(execution.pk).status == Status.ENDED
    result = outputs(execution)
    wanted = "FlowException" if end == "faulted" else "FlowExecutionStoppedException"
    assert (result["Problem"].short_type, result["Result"]) == (wanted, "untouched")


def test_wait_for_all_tasks_keeps_their_order(tmp_path: Path) -> None:
    """Semantics 73: the order of Tasks, not that of the ends; the last end wakes it."""
    execution = begin(many(tmp_path, *WAIT_FOR_ALL), Ns=[2, 3, 4])
    runner.run(execution.pk)
    first, second, third = children(execution)
    for child in (third, first):
        runner.run(child.pk)
        assert fresh(execution).status == Status.RUNNING
    runner.run(second.pk)
    assert fresh(execution).status == Status.QUEUED
    runner.run(execution.pk)
    assert outputs(execution)["Result"] == [{"Square": 4}, {"Square": 9}, {"Square": 16}]


def test_wait_for_all_tasks_waits_for_all_then_throws(tmp_path: Path) -> None:
    """Semantics 73: TaskExceptions maps the index; Results is not set."""
    execution = begin(many(tmp_path, *WAIT_FOR_ALL), Ns=[-1, 3, -2])
    runner.run(execution.pk)
    first, second, third = children(execution)
    runner.run(first.pk)
    assert fresh(execution).status == Status.RUNNING
    runner.run(second.pk)
    runner.run(third.pk)
    runner.run(execution.pk)
    result = outputs(execution)
    assert result["Result"] == "untouched"
    problem = result["Problem"]
    assert problem.short_type == "AggregateTaskException"
    assert {n: e.message for n, e in problem.extra["TaskExceptions"].items()} == {
        0: "negative",
        2: "negative",
    }


@pytest.mark.parametrize("block", ["Wait For All Tasks", "Cancel All Tasks"])
@pytest.mark.parametrize(
    ("given", "thrown"),
    [
        ("null", "PropertyNullException"),
        ("[]", "PropertyEmptyException"),
        ("[null]", "PropertyContainsNullItemException"),
        ("'=[1]'", "InvalidPropertyValueException"),
    ],
)
def test_lists_of_tasks_are_checked(tmp_path: Path, block: str, given: str, thrown: str) -> None:
    """Semantics 73."""
    execution = begin(many(tmp_path, block, f"Tasks: {given}"), Ns=[])
    runner.run(execution.pk)
    assert outputs(execution)["Problem"].short_type == thrown


@pytest.mark.parametrize("block", ["Wait For Task", "Cancel Task"])
def test_a_task_must_be_given(tmp_path: Path, block: str) -> None:
    """Semantics 72, 74."""
    execution = begin(many(tmp_path, block, "Task: null"), Ns=[])
    runner.run(execution.pk)
    assert outputs(execution)["Problem"].short_type == "PropertyNullException"


def test_cancelling_stops_the_children(tmp_path: Path) -> None:
    """Semantics 74, 69: also children that wait; the tasks are Cancelled afterwards."""
    version = many(tmp_path, "Cancel All Tasks", "Tasks: ($)Tasks", flow="wait", name="Seconds")
    execution = begin(version, Ns=[60, 60])
    claimed = claim(execution.pk, "worker")
    assert claimed is not None
    runner._Turn(claimed).run()
    assert fresh(execution).status == Status.ENDED
    assert [child.status for child in children(execution)] == [Status.STOPPED] * 2


def test_cancelling_waits_for_a_child_that_a_worker_holds(tmp_path: Path) -> None:
    """Semantics 74: it goes on when the child has really stopped."""
    version = many(tmp_path, "Cancel Task", "Task: '=Tasks[0]'")
    execution = begin(version, Ns=[3])
    parent = claim(execution.pk, "worker")
    assert parent is not None
    turn = runner._Turn(parent)
    turn.interpreter.begin(parent.inputs)
    for _ in range(3):
        decision = turn.interpreter.advance(runner.Continue(), runner.Budget(1, 1e12))
    turn._carry_out(decision)
    (child,) = children(execution)
    held = claim(child.pk, "other")
    assert held is not None
    turn.run()
    assert (fresh(execution).status, fresh(child).status) == (Status.RUNNING, Status.STOPPING)
    # The worker that holds the child dies.
    expire_leases()
    recovery.recover()
    assert (fresh(execution).status, fresh(child).status) == (Status.QUEUED, Status.STOPPED)
    runner.run(execution.pk)
    assert fresh(execution).status == Status.ENDED


@pytest.mark.parametrize(("number", "status"), [(3, Status.ENDED), (-1, Status.ERROR)])
def test_cancelling_what_is_completed_does_nothing(
    tmp_path: Path, number: int, status: Status
) -> None:
    """Semantics 74."""
    blocks = (
        MANY.format(
            block="Wait For Task",
            properties="Task: '=Tasks[0]'",
            flow="square",
            input="N",
        )
        .replace("bottom: e, exception: h}", "bottom: c, exception: h}")
        .replace("($)Problem}, bottom: e}", "($)Problem}, bottom: c}")
    )
    blocks += "c: {type: Cancel Task, properties: {Task: '=Tasks[0]'}, bottom: e}\n"
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    version = publish(tmp_path, "cancels", blocks, MANY_VARIABLES)
    execution = begin(version, Ns=[number])
    assert drive(execution.pk).status == Status.ENDED
    assert children(execution)[0].status == status


def test_stopping_one_that_waits_for_tasks_leaves_them(tmp_path: Path, admin_user: User) -> None:
    """Semantics 71: tasks go on, however their parent ends."""
    execution = begin(many(tmp_path, *WAIT_FOR_ALL), Ns=[2])
    runner.run(execution.pk)
    assert run_command("stop", CommandRequest(fresh(execution), admin_user, ACTOR)).done
    (child,) = children(execution)
    runner.run(child.pk)
    assert (fresh(child).status, fresh(execution).status) == (Status.ENDED, Status.STOPPED)


def test_a_pause_does_not_lose_what_is_awaited(tmp_path: Path, admin_user: User) -> None:
    """Semantics 72, 86: tasks that end meanwhile are found when it goes on."""
    execution = begin(many(tmp_path, *WAIT_FOR_ONE), Ns=[2])
    runner.run(execution.pk)
    assert run_command("pause", CommandRequest(fresh(execution), admin_user, ACTOR)).done
    runner.run(children(execution)[0].pk)
    assert fresh(execution).status == Status.PAUSED
    assert run_command("continue", CommandRequest(execution, admin_user, ACTOR)).done
    runner.run(execution.pk)
    assert outputs(execution)["Result"] == {"Square": 4}


def test_the_execution_page_shows_what_has_become_of_a_task(
    parent: Any, admin_client: Client
) -> None:
    """Semantics 68: viewers are live, as expressions are."""
    execution = begin(parent, N=5, Seconds=60)
    runner.run(execution.pk)
    page = admin_client.get(f"{execution.get_absolute_url()}?var=0:Task").content.decode()
    assert "IsCompletedSuccessfully" in page
    assert "$task" not in page
    runner.run(children(execution)[0].pk)
    url = reverse("execution-value", args=[execution.pk])
    answer = admin_client.get(f"{url}?var=0:Task")
    assert answer.json()["Status"] == "RanToCompletion"
