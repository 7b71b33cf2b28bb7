"""Debugging on real PostgreSQL: exceptions, stepping, breakpoints.

Turns are run in this process, so that a test decides what happens in between.
"""

import pytest
from django.contrib.auth.models import User

from executions import recovery, runner
from executions.commands.lifecycle.start import start
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.engine import debugging
from executions.engine.debugging import Breakpoint
from executions.models import (
    ExceptionRecord,
    Execution,
    KeptBreakpoint,
)
from executions.states import Status
from executions.store.kept_breakpoints import keep_for_flow
from executions.store.lifecycle.claims import claim
from flows import values
from flows.models import FlowVersion
from tests.debugging import Session, at, held
from tests.executions_in_tests import why

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


# Break on exception ---------------------------------------------------------------------------


def test_it_breaks_on_the_exception_port_with_the_scopes_alive(
    nested: FlowVersion, ada: Session
) -> None:
    """Semantics 85, 87: also where it would be handled; Continue goes to the handler."""
    execution = ada.start(nested, break_on_exception=True)
    assert at(execution) == ("Exception", "exception", "w/v/t")
    assert held(execution, 2) == {"deep": 5}
    record = ExceptionRecord.objects.get(execution=execution)
    assert record.handled_by == ""
    ada.do("continue", execution)
    assert execution.status == Status.ENDED
    assert values.decode(execution.outputs)["Seen"].message == "oh"
    record.refresh_from_db()
    assert record.handled_by == "w/h"


@pytest.mark.parametrize("command", ["step", "step-over"])
def test_a_step_leads_from_the_port_to_the_handler(
    nested: FlowVersion, ada: Session, command: str
) -> None:
    execution = ada.start(nested, break_on_exception=True)
    steps = execution.step_count
    ada.do(command, execution)
    assert at(execution) == ("Paused", "block", "w/h")
    assert execution.step_count == steps
    ada.do("step", execution)
    assert execution.block == "w/x"


def test_break_on_exception_is_switched_while_it_runs(nested: FlowVersion, ada: Session) -> None:
    execution = ada.start(nested, paused=True)
    assert ada.do("break-on-exception", execution) == "on"
    assert ada.do("break-on-exception", execution, on="0") == "off"
    assert ada.do("break-on-exception", execution, on="1") == "on"
    ada.do("continue", execution)
    assert execution.status == Status.EXCEPTION


def test_a_running_worker_hears_of_it_at_its_checkpoint(loop: FlowVersion, ada: Session) -> None:
    execution = start(loop, {"Last": 1_000_000}, ada.actor, Execution.Trigger.PAGE)
    claimed = claim(execution.pk, "worker")
    assert claimed is not None
    assert run_command(
        "breakpoint", CommandRequest(execution, ada.user, ada.actor, {"block": "add"})
    ).done
    runner._Turn(claimed).run()
    execution.refresh_from_db()
    assert at(execution) == ("Paused", "breakpoint", "add")


def test_an_unhandled_exception_goes_on_to_its_end(parent: FlowVersion, ada: Session) -> None:
    version = Session(ada.user).start(parent, inputs={"N": 2})
    child = Execution.objects.get(parent=version)
    square = child.version
    execution = ada.start(square, inputs={"N": -1}, break_on_exception=True)
    assert at(execution) == ("Exception", "exception", "t")
    ada.do("continue", execution)
    assert at(execution) == ("Exception", "exception", "h/r")
    ada.do("continue", execution)
    assert (execution.status, execution.error_type) == (Status.ERROR, "FlowException")


# Stepping -------------------------------------------------------------------------------------


def test_into_over_and_out(nested: FlowVersion, ada: Session) -> None:
    """Semantics 86; over a Workspace block and out of one are ours."""
    execution = ada.start(nested, paused=True)
    ada.do("step", execution)
    assert "top-level" in ada.refused("step-out", execution)
    assert execution.block == "w"
    ada.do("step", execution)
    assert execution.block == "w/s"
    ada.do("step-over", execution)
    assert execution.block == "w/v"
    ada.do("step-over", execution)  # all of the inner workspace, and the exception that leaves it
    assert at(execution) == ("Paused", "block", "w/h")
    ada.do("step-out", execution)
    assert at(execution) == ("Paused", "block", "e")
    ada.do("step-over", execution)
    assert execution.status == Status.ENDED


def test_over_a_child_execution(parent: FlowVersion, ada: Session) -> None:
    execution = ada.start(parent, inputs={"N": 3}, paused=True)
    ada.do("step", execution)
    ada.do("step-over", execution)
    assert (execution.status, execution.reason) == (Status.RUNNING, "children")
    runner.run(Execution.objects.get(parent=execution).pk)
    runner.run(execution.pk)
    execution.refresh_from_db()
    assert at(execution) == ("Paused", "block", "e")


def test_run_to_a_block(nested: FlowVersion, ada: Session) -> None:
    execution = ada.start(nested, paused=True)
    assert "block does not exist" in ada.refused("run-to", execution, block="nowhere")
    ada.do("run-to", execution, block="w/v/t")
    assert at(execution) == ("Paused", "block", "w/v/t")
    ada.do("run-to", execution, block="a")  # which it does not reach again
    assert execution.status == Status.ENDED


# Breakpoints ----------------------------------------------------------------------------------


def test_breakpoints_pause_above_a_block(loop: FlowVersion, ada: Session) -> None:
    """Semantics 88; continuing from one does not meet it again."""
    execution = ada.start(loop, inputs={"Last": 2}, paused=True)
    ada.do("breakpoint", execution, block="add")
    for seen in ([], [1]):
        ada.do("continue", execution)
        assert at(execution) == ("Paused", "breakpoint", "add")
        assert held(execution)["seen"] == seen
    ada.do("breakpoint", execution, block="add", action="disable")
    ada.do("breakpoint", execution, block="e", action="set")
    ada.do("continue", execution)
    assert at(execution) == ("Paused", "breakpoint", "e")
    ada.do("breakpoint", execution, block="e", action="remove")
    assert "no breakpoint" in ada.refused("breakpoint", execution, block="e", action="enable")
    ada.do("continue", execution)
    assert execution.status == Status.ENDED


def test_conditions_and_hits(loop: FlowVersion, ada: Session) -> None:
    execution = ada.start(loop, inputs={"Last": 20}, paused=True)
    ada.do("breakpoint", execution, block="add", action="set", condition="=I > 4", hits="3")
    ada.do("continue", execution)
    assert held(execution)["i"] == 7
    ada.do("continue", execution)
    assert held(execution)["i"] == 8
    detail = ada.do("breakpoint", execution, block="add", action="set", condition="I == 11")
    assert "when I == 11" in detail
    ada.do("continue", execution)
    assert held(execution)["i"] == 11


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("1 / (I - I) == 1", "divide by zero (line 1, column 1)."),
        ("Seen.map(a, Seen.map(b, Seen.map(c, Seen.map(d, a)))) == I", "10,000 iterations"),
    ],
)
def test_a_condition_that_cannot_be_evaluated_pauses_and_says_why(
    loop: FlowVersion, ada: Session, condition: str, problem: str
) -> None:
    execution = ada.start(loop, inputs={"Last": 12}, paused=True)
    ada.do("breakpoint", execution, block="e", action="set")
    ada.do("breakpoint", execution, block="add", action="set", condition=condition)
    while execution.status != Status.ENDED and execution.block != "e":
        ada.do("continue", execution)
        if problem in why(execution):
            break
    assert at(execution) == (Status.PAUSED, "breakpoint", "add")
    assert f"Its condition could not be evaluated: {execution.state['condition']}" in why(execution)
    ada.do("breakpoint", execution, block="add", action="remove")
    ada.do("continue", execution)
    assert at(execution) == (Status.PAUSED, "breakpoint", "e")
    assert "condition" not in why(execution)


@pytest.mark.parametrize("block", ["a", "add"])
def test_a_condition_that_ends_its_worker_pauses_and_the_block_throws_nothing(
    loop: FlowVersion, ada: Session, block: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by the alarm, or without memory: twice, since the first may have died anywhere."""

    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    keep_for_flow(ada.user.pk, "loop", block, Breakpoint("I == I"))
    execution = start(loop, {"Last": 3}, ada.actor, Execution.Trigger.PAGE, debug=True)
    with monkeypatch.context() as patch:
        patch.setattr(debugging, "_evaluate", die)
        for number in (1, 2):
            with pytest.raises(Died):
                runner.run(execution.pk, f"task-{number}")
            recovery.reclaim(execution.pk, f"task-{number}", killed_by_alarm=True)
        runner.run(execution.pk, "task-3")
    execution.refresh_from_db()
    assert at(execution) == (Status.PAUSED, "breakpoint", block)
    assert "it takes too much time or memory." in why(execution)
    ada.do("continue", execution)
    assert not ExceptionRecord.objects.filter(execution=execution).exists()
    assert execution.step_count > 0


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"block": "nowhere"}, "block does not exist"),
        ({"block": "add", "action": "dance"}, "action"),
        ({"block": "add", "condition": "I >"}, "not a valid expression"),
        ({"block": "add", "condition": "Other == 1"}, "no variable Other at"),
        ({"block": "add", "hits": "0"}, "whole number"),
    ],
)
def test_breakpoints_that_make_no_sense(
    loop: FlowVersion, ada: Session, fields: dict[str, str], told: str
) -> None:
    execution = ada.start(loop, paused=True)
    assert told in ada.refused("breakpoint", execution, **fields)
    assert execution.debug is None


def test_hits_survive_a_crash(loop: FlowVersion, ada: Session) -> None:
    """Hits are written down with the steps that they belong to."""
    execution = ada.start(loop, inputs={"Last": 9}, paused=True)
    ada.do("breakpoint", execution, block="add", action="set", hits="2")
    ada.do("continue", execution)
    assert execution.debug_hits == {"add": 2}
    Execution.objects.filter(pk=execution.pk).update(passed_step=None)
    execution.refresh_from_db()
    assert held(execution)["i"] == 2


def test_kept_breakpoints_are_for_debug_mode(loop: FlowVersion, ada: Session) -> None:
    first = ada.start(loop, paused=True)
    ada.do("breakpoint", first, block="e", action="set", keep="1")
    assert KeptBreakpoint.objects.get().block == "e"
    assert ada.start(loop).status == Status.ENDED
    assert at(ada.start(loop, debug=True)) == ("Paused", "breakpoint", "e")
    other = User.objects.create_user("grace")
    assert Session(other).start(loop, debug=True).status == Status.ENDED
    ada.do("breakpoint", first, block="e", action="remove", keep="1")
    assert not KeptBreakpoint.objects.exists()


def test_children_are_debugged_along(parent: FlowVersion, ada: Session) -> None:
    execution = ada.start(parent, inputs={"N": -3}, break_on_exception=True)
    child = Execution.objects.get(parent=execution)
    assert child.debugged_by == ada.user
    runner.run(child.pk)
    child.refresh_from_db()
    assert at(child) == ("Exception", "exception", "t")
