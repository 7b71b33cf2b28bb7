"""The past of long executions, of large values, of commands and of what workspaces end by."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from executions import limits, runner
from executions.models import ChangedValue, Execution, TrimmedVisits
from executions.retention.deletion import delete_old
from executions.retention.trimming import trimmed_steps
from executions.store import history
from executions.store.history import Availability
from executions.store.read import visit_counts
from flows import queries, values
from flows.blocks.base import Port
from flows.models import FlowVersion
from tests.debugging import NESTED, NESTED_VARIABLES, Session
from tests.driving import begin, drive, fresh
from tests.flows_in_memory import Run
from tests.flows_in_tests import PARENT, PARENT_VARIABLES, SQUARE, SQUARE_VARIABLES, publish
from tests.timing import least_seconds

pytestmark = pytest.mark.django_db

#: Two blocks an iteration, the second in a workspace that is entered anew each time; before and
#: after the loop a variable is set that it does not touch.
LONG = """
a: {type: Start Flow, bottom: first}
first: {type: Set Variable, properties: {Value: early, Variable: ($)Kept}, bottom: l}
l:
  type: For Loop
  properties: {Start Index: 1, End Index: =Last, Current Index: ($)I}
  right: if
  bottom: w
if: {type: If Null Exit Right, properties: {Value: =Text}, right: l, bottom: s}
s: {type: Set Variable, properties: {Value: =I, Variable: ($)Out}, bottom: once}
once: {type: If True Exit Right, properties: {Value: =I == Rare}, right: rare, bottom: l}
rare: {type: Set Variable, properties: {Value: =Large, Variable: ($)Seldom}, bottom: l}
w:
  type: Workspace
  variables: {Here: {default: 7}}
  blocks:
    s: {type: Start Workspace, bottom: set}
    set: {type: Set Variable, properties: {Value: =Here + 1, Variable: ($)Here}, bottom: x}
    x: {type: End Workspace}
  bottom: e
e: {type: End Flow}
"""
LONG_VARIABLES = """
Last: {input: true, default: 3}
Rare: {input: true, default: 0}
Large: {input: true, default: ""}
Text: {default: there}
I: {default: 0}
Out: {default: 0}
Kept: {}
Seldom: {}
"""


@pytest.fixture
def long(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "long", LONG, LONG_VARIABLES)


def past(execution: Execution, step: int | None) -> history.ExecutionAt:
    return history.at(execution, queries.compiled(execution.version_id), step)


def held(moment: history.ExecutionAt) -> dict[str, Any]:
    return {
        name: values.decode(variable.form)
        if variable.availability is Availability.VALUE
        else variable.availability
        for (_, name), variable in moment.variables.items()
    }


def run(version: FlowVersion, **inputs: Any) -> Execution:
    execution = begin(version, **inputs)
    runner.run(execution.pk)
    return fresh(execution)


@pytest.mark.parametrize("batch", [limits.CHECKPOINT_BLOCKS, 700, 50_000])
def test_after_the_gap_every_value_is_known(
    long: FlowVersion, redis: Any, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "CHECKPOINT_BLOCKS", batch)
    monkeypatch.setattr(runner, "CHECKPOINT_SECONDS", 60)
    monkeypatch.setattr(runner, "TIME_SLICE_SECONDS", 600)
    large = "x" * 3000
    execution = run(long, Last=6000, Rare=3000, Large=large)
    lacking = trimmed_steps(execution.step_count)
    assert len(lacking) >= 14_000
    ends = execution.step_count
    moment = past(execution, lacking.stop)
    known = held(moment)
    assert (known["kept"], known["text"], known["last"]) == ("early", "there", 6000)
    assert known["seldom"] is Availability.STORED
    # An iteration takes four steps, but for the rare one, which takes five.
    assert known["i"] in {(lacking.stop - 3) // 4, (lacking.stop - 3) // 4 + 1}
    assert known["out"] in {known["i"], known["i"] - 1}
    assert moment.value(0, "Seldom") == (True, large)
    while delete_old(1):
        pass
    assert past(execution, lacking.stop).value(0, "Seldom") == (True, large)
    # What the loop wrote last before the gap is what the steps say.
    before = held(past(execution, lacking.start - 1))
    assert before["kept"] == "early"
    assert "seldom" not in before
    inside = past(execution, ends - 2)
    assert [token.workspace for token in inside.tokens] == ["", "w"]
    assert held(inside)["here"] == 8
    assert sum(moment.visits.values()) == lacking.stop


def test_a_moment_in_the_gap_is_not_made_up(long: FlowVersion, redis: Any) -> None:
    execution = run(long, Last=3000)
    lacking = trimmed_steps(execution.step_count)
    moment = past(execution, lacking[10])
    assert not moment.is_kept
    assert (moment.trimmed, moment.tokens, dict(moment.variables), dict(moment.visits)) == (
        lacking,
        [],
        {},
        {},
    )
    # One whose steps were dropped before their last changes were kept says so.
    TrimmedVisits.objects.filter(execution=execution).update(last=None)
    execution.trimmed_changes.all().delete()
    moment = past(execution, lacking.stop)
    assert {
        name for (_, name), v in moment.variables.items() if v.availability is Availability.LOST
    } >= {
        "kept",
        "text",
    }


def test_a_large_value_that_was_not_stored_is_lost_unless_it_is_held_still(
    long: FlowVersion, redis: Any
) -> None:
    large = "x" * 3000
    execution = begin(long, Last=3, Rare=2, Large=large)
    Execution.objects.filter(pk=execution.pk).update(stored_size=limits.MAX_STORED_BYTES)
    runner.run(execution.pk)
    execution = fresh(execution)
    assert not ChangedValue.objects.filter(execution=execution).exists()
    step = execution.steps.get(block="rare")
    moment = past(execution, step.number + 1)
    variable = moment.variables[0, "seldom"]
    assert variable.availability is Availability.VALUE
    assert values.decode(variable.form) == large
    execution.values.filter(name="seldom").delete()
    assert past(execution, step.number + 1).variables[0, "seldom"].availability is Availability.LOST


def test_a_jump_anywhere_in_a_hundred_thousand_steps_is_quick(
    long: FlowVersion, redis: Any
) -> None:
    execution = run(long, Last=25_000)
    while execution.status == "Queued":
        runner.run(execution.pk)
        execution = fresh(execution)
    assert execution.step_count > 100_000
    lacking = trimmed_steps(execution.step_count)
    for step in (1, 4_500, 9_000, lacking.stop, execution.step_count - 1, execution.step_count):
        moment = past(execution, step)
        assert all((moment.tokens, moment.variables, moment.visits))
        assert moment.exceptions == []
        # 200 ms on a machine of its own; this one may be busy with other tests.
        assert least_seconds(partial(past, execution, step), 1.0) < 1.0, step


def test_workspaces_that_an_exception_leaves(tmp_path: Path, redis: Any) -> None:
    version = publish(tmp_path, "nested", NESTED, NESTED_VARIABLES)
    execution = run(version)
    step = execution.steps.get(block="w/v/t").number
    thrown, handled = past(execution, step), past(execution, step + 1)
    assert [(t.workspace, t.block, t.port) for t in thrown.tokens] == [
        ("", "w", None),
        ("w", "w/v", None),
        ("w/v", "w/v/t", Port.EXCEPTION),
    ]
    assert held(thrown) == {"here": 1, "deep": 5}
    assert [t.block for t in handled.tokens] == ["w", "w/x"]
    assert set(held(handled)) == {"here", "seen"}
    assert len(thrown.exceptions) == 1
    assert past(execution, step - 1).exceptions == []


#: A workspace with a time of its own, in which the token waits.
LATE = """
a: {type: Start Flow, bottom: w}
w:
  type: Workspace
  properties: {Block Timeout: 50}
  variables: {Here: {default: 1}}
  blocks:
    s: {type: Start Workspace, bottom: wait}
    wait: {type: Wait For Duration, properties: {Duration: {Seconds: 30}}, bottom: x}
    x: {type: End Workspace}
  bottom: e
  exception: h
h: {type: Handle Block Exception, bottom: e}
e: {type: End Flow}
"""


@pytest.mark.django_db(transaction=True)  # time passes between its transactions
def test_a_workspace_that_runs_out_of_time(tmp_path: Path, redis: Any) -> None:
    execution = drive(begin(publish(tmp_path, "late", LATE)).pk)
    assert [s.block for s in execution.steps.order_by("number")] == ["a", "w", "w/s", "w", "h", "e"]
    waits, late = past(execution, 3), past(execution, 4)
    assert [t.block for t in waits.tokens] == ["w", "w/wait"]
    assert held(waits) == {"here": 1}
    assert [(t.block, t.port) for t in late.tokens] == [("w", Port.EXCEPTION)]
    assert held(late) == {}


def test_the_flows_handler_and_the_children(tmp_path: Path, redis: Any) -> None:
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    parent = drive(begin(publish(tmp_path, "parent", PARENT, PARENT_VARIABLES), N=-2).pk)
    child = Execution.objects.get(parent=parent)
    assert held(past(parent, 0)) == {"n": -2}
    assert [t.block for t in past(parent, 1).tokens] == ["run"]
    step = child.steps.get(block="h").number
    thrown, inside = past(child, step - 1), past(child, step)
    assert [(t.block, t.port) for t in thrown.tokens] == [("t", Port.EXCEPTION)]
    assert [t.block for t in inside.tokens] == ["h", "h/s"]
    assert held(inside)["e"].message == "negative"


def test_another_version_and_a_retry(tmp_path: Path, admin_user: User, redis: Any) -> None:
    old = """
    a: {type: Start Flow, bottom: s}
    s: {type: Set Variable, properties: {Value: 1, Variable: ($)Old}, bottom: t}
    t: {type: Set Variable, properties: {Value: =Same + 1, Variable: ($)Same}, bottom: e}
    e: {type: End Flow}
    """
    new = """
    a: {type: Start Flow, bottom: t}
    t: {type: Throw New Flow Exception, properties: {Message: =New}}
    t2: {type: Set Variable, properties: {Value: =Same + 1, Variable: ($)Same}, bottom: e}
    e: {type: End Flow}
    """
    first = publish(tmp_path, "edit", old, "{Old: {}, Same: {default: 1}}")
    session = Session(admin_user)
    execution = session.start(first, paused=True)
    session.do("step", execution)
    session.do("step", execution)
    publish(
        tmp_path,
        "edit",
        new.replace("t:", "t3:").replace("t2:", "t:"),
        "{Same: {default: 1}, New: {default: fresh}}",
    )
    session.do("set-variable", execution, level="0", name="Same", value="5")
    session.do("move-version", execution, accept="1")
    session.do("continue", execution)
    assert execution.status == "Ended"
    before, moved = past(execution, 1), past(execution, 2)
    assert before.graph is queries.compiled(first.pk)
    assert held(before) == {"same": 1}
    assert held(moved) == {"same": 5, "new": "fresh"}
    assert [i.kind for i in moved.interventions] == ["set-variable", "move-version"]
    assert held(past(execution, 3)) == {"same": 6, "new": "fresh"}


def test_a_retry_begins_with_what_the_failed_one_held(
    tmp_path: Path, admin_user: User, redis: Any
) -> None:
    version = publish(tmp_path, "nested", NESTED, NESTED_VARIABLES)
    session = Session(admin_user)
    execution = session.start(version, break_on_exception=True)
    session.do("stop", execution)
    session.do("retry", execution, paused="1")
    retried = Execution.objects.get(origin=execution)
    assert [t.block for t in past(retried, 0).tokens] == ["w", "w/v", "w/v/t"]
    assert held(past(retried, 0)) == {"here": 1, "deep": 5}
    drive_paused(session, retried)
    assert held(past(retried, 0)) == {"here": 1, "deep": 5}
    assert [t.block for t in past(retried, 0).tokens] == ["w", "w/v", "w/v/t"]
    assert [t.port for t in past(retried, 1).tokens] == [None, None, Port.EXCEPTION]
    assert sum(past(retried, 1).visits.values()) == 1
    assert visit_counts.visit_counts(retried) != {}


def drive_paused(session: Session, execution: Execution) -> None:
    runner.run(execution.pk)
    execution.refresh_from_db()
    session.do("continue", execution)
    assert execution.status == "Ended"


def test_a_start_that_is_paused_begins_with_what_it_was_given(
    tmp_path: Path, admin_user: User, redis: Any
) -> None:
    version = publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    session = Session(admin_user)
    execution = session.start(version, inputs={"N": 3}, paused=True)
    assert held(past(execution, 0)) == {"n": 3}
    session.do("continue", execution)
    assert held(past(execution, 0)) == {"n": 3}
    assert held(past(execution, 1)) == {"n": 3}
    assert held(past(execution, 3)) == {"n": 3, "square": 9}


#: The second part of what is taken apart does not fit where it is to be saved.
APART = """
a: {type: Start Flow, bottom: t}
t: {type: Throw New Flow Exception, properties: {Message: oh}, exception: h}
h:
  type: Handle Block Exception
  properties: {Exception: {Message: ($)First, Category: "($)List[5]"}}
  bottom: e
e: {type: End Flow}
"""


def test_what_a_visit_has_saved_before_it_throws_is_told_by_its_step() -> None:
    flow = Run(APART, "{First: {}, List: {default: []}}")
    flow.outputs()
    (step,) = flow.visits("h")
    assert step.exception.endswith("InvalidPropertyValueException")
    assert step.changes == {"First": {"value": "oh"}}
    assert flow.interpreter.frames[0].variables["first"] == "oh"
