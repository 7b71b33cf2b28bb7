"""The runner on real PostgreSQL and Redis: claims, checkpoints, parking, commands, crashes.

Turns are run in this process, as a worker would run them, so that a test decides what happens in
between.
"""

import time
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from executions import recovery, runner
from executions.commands.lifecycle.start import NotStarted
from executions.commands.request import CommandRequest
from executions.commands.run import CommandResult, run_command
from executions.engine.interpreter import Interpreter
from executions.models import AuditEntry, ExceptionRecord, Execution, Step, Token, Value
from executions.states import Status
from executions.store.lifecycle.checkpoints import LeaseLost, checkpoint
from executions.store.lifecycle.claims import claim
from flows import queries
from flows.models import FlowVersion
from tests.driving import ACTOR, begin, expire_leases, fresh, outputs
from tests.flows_in_tests import (
    WAIT,
    WAIT_VARIABLES,
    publish,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.fixture
def waiting(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "wait", WAIT, WAIT_VARIABLES)


def test_an_execution_runs_to_its_end(loop: FlowVersion) -> None:
    execution = begin(loop, Last=4)
    assert fresh(execution).status == Status.QUEUED
    runner.run(execution.pk)
    assert fresh(execution).status == Status.ENDED
    assert outputs(execution) == {"Seen": [1, 2, 3, 4]}
    assert execution.ended_at is not None
    assert execution.lease_owner == ""
    numbers = list(Step.objects.filter(execution=execution).values_list("number", flat=True))
    assert sorted(numbers) == list(range(1, execution.step_count + 1))
    assert execution.step_count == 1 + 4 * 2 + 2


def test_messages_stop_it_before_it_exists(loop: FlowVersion) -> None:
    """Semantics 25, 63, 91."""
    for inputs in ({"Nothing": 1}, {"Last": "three"}):
        with pytest.raises(NotStarted) as refused:
            begin(loop, **inputs)
        assert refused.value.messages[0].details
    assert not Execution.objects.exists()


def test_a_draft_cannot_be_started(loop: FlowVersion) -> None:
    """Semantics 96."""
    draft = FlowVersion.objects.create(flow=loop.flow, number=2)
    with pytest.raises(NotStarted, match="draft"):
        begin(draft)


def test_a_message_that_comes_twice_is_harmless(loop: FlowVersion) -> None:
    execution = begin(loop)
    runner.run(execution.pk)
    revision = fresh(execution).revision
    runner.run(execution.pk)
    assert fresh(execution).revision == revision


def test_only_the_owner_can_write(loop: FlowVersion) -> None:
    execution = begin(loop)
    claimed = claim(execution.pk, "first")
    assert claimed is not None
    assert claim(execution.pk, "second") is None
    expire_leases()
    recovery.recover()
    assert fresh(execution).status == Status.QUEUED
    frozen = Interpreter(queries.compiled(loop.pk), time.time)
    frozen.begin({"Last": 3})
    with pytest.raises(LeaseLost):
        checkpoint(claimed, frozen)
    assert not Token.objects.exists()
    runner.run(execution.pk)
    assert outputs(execution) == {"Seen": [1, 2, 3]}


def test_a_child_runs_while_its_parent_holds_no_worker(parent: FlowVersion) -> None:
    """Semantics 62, 67."""
    execution = begin(parent, N=5)
    runner.run(execution.pk)
    assert (fresh(execution).status, execution.reason) == (Status.RUNNING, "children")
    assert execution.lease_owner == ""
    child = Execution.objects.get(parent=execution)
    assert (child.root_id, child.depth, execution.child_count) == (execution.pk, 1, 1)
    runner.run(child.pk)
    assert fresh(execution).status == Status.QUEUED
    runner.run(execution.pk)
    assert outputs(execution) == {"Result": {"Square": 25}, "Problem": None}


def test_what_leaves_the_child_is_thrown_in_the_parent(parent: FlowVersion) -> None:
    """Semantics 64, 65: with its own type; Outputs stays as it is."""
    execution = begin(parent, N=-1)
    runner.run(execution.pk)
    child = Execution.objects.get(parent=execution)
    runner.run(child.pk)
    assert (fresh(child).status, child.error_type) == (Status.ERROR, "FlowException")
    runner.run(execution.pk)
    result = outputs(execution)
    assert result["Result"] is None
    assert result["Problem"].message == "negative"
    record = ExceptionRecord.objects.get(execution=execution)
    assert (record.block, record.handled_by) == ("run", "h")


def test_a_wait_holds_no_worker_and_ends_by_recovery(waiting: FlowVersion) -> None:
    """Semantics 77."""
    execution = begin(waiting, Seconds=1.5)
    runner.run(execution.pk)
    assert (fresh(execution).status, execution.reason) == (Status.RUNNING, "time")
    assert execution.workspace_name == "Nap"
    recovery.recover()
    assert fresh(execution).status == Status.RUNNING
    time.sleep(1.5)
    recovery.recover()
    assert fresh(execution).status == Status.QUEUED
    runner.run(execution.pk)
    assert outputs(execution) == {"Woke": 7}
    assert Token.objects.filter(execution=execution).count() == 1
    assert not Value.objects.filter(execution=execution, level=1).exists()


def test_a_lost_message_is_sent_again(loop: FlowVersion) -> None:
    begin(loop)
    assert recovery.recover() == 0
    expire_leases()
    assert recovery.recover() == 1
    assert recovery.recover() == 0


def test_pause_step_continue_stop(waiting: FlowVersion, admin_user: User) -> None:
    """Semantics 85, 86."""
    execution = begin(waiting, paused=True)
    runner.run(execution.pk)

    def give(command: str) -> CommandResult:
        return run_command(command, CommandRequest(fresh(execution), admin_user, ACTOR))

    assert (fresh(execution).status, execution.place) == (Status.PAUSED, "block")
    assert execution.block == "a"
    for block in ("w", "w/s", "w/wait"):
        assert give("step").done
        runner.run(execution.pk)
        assert (fresh(execution).status, execution.block) == (Status.PAUSED, block)
    refused = give("pause")
    assert not refused.done
    assert "Paused" in refused.detail
    assert give("continue").done
    runner.run(execution.pk)
    assert execution.status == Status.RUNNING or fresh(execution).reason == "time"
    assert give("pause").done
    assert fresh(execution).status == Status.PAUSED
    assert give("continue").done
    runner.run(execution.pk)
    assert give("stop").done
    assert fresh(execution).status == Status.STOPPED
    for command in ("stop", "continue", "step", "pause"):
        assert give(command).detail == "It is already Stopped."
    assert set(AuditEntry.objects.values_list("command", "outcome")) >= {
        ("start", "done"),
        ("step", "done"),
        ("pause", "refused"),
        ("stop", "done"),
    }


def test_what_is_asked_of_a_running_execution_comes_with_its_checkpoint(
    loop: FlowVersion, admin_user: User
) -> None:
    for command, asked, landed in (
        ("pause", Status.PAUSING, Status.PAUSED),
        ("stop", Status.STOPPING, Status.STOPPED),
    ):
        execution = begin(loop, Last=1_000_000)
        claimed = claim(execution.pk, "worker")
        assert claimed is not None
        assert run_command(command, CommandRequest(fresh(execution), admin_user, ACTOR)).done
        assert fresh(execution).status == asked
        runner._Turn(claimed).run()
        assert fresh(execution).status == landed
        assert 0 < execution.step_count < 1_000_000


def test_an_end_wins_over_what_was_asked_meanwhile(loop: FlowVersion, admin_user: User) -> None:
    for command in ("pause", "stop"):
        execution = begin(loop)
        claimed = claim(execution.pk, "worker")
        assert claimed is not None
        assert run_command(command, CommandRequest(fresh(execution), admin_user, ACTOR)).done
        runner._Turn(claimed).run()
        ended, event = fresh(execution), claimed.event
        assert (ended.status, ended.place, ended.lease_expires_at) == (Status.ENDED, "", None)
        # The event tells live pages the times that the row has.
        assert event.status == ended.status
        assert event.started_at == ended.started_at
        assert event.ended_at == ended.ended_at == ended.updated_at


def test_stopping_a_parent_stops_its_child(parent: FlowVersion, admin_user: User) -> None:
    execution = begin(parent, N=5)
    runner.run(execution.pk)
    assert run_command("stop", CommandRequest(fresh(execution), admin_user, ACTOR)).done
    child = Execution.objects.get(parent=execution)
    assert (fresh(execution).status, child.status) == (Status.STOPPED, Status.STOPPED)


def test_a_stopped_child_throws_in_its_parent(parent: FlowVersion, admin_user: User) -> None:
    """Semantics 75: FlowExecutionStoppedException."""
    execution = begin(parent, N=5)
    runner.run(execution.pk)
    child = Execution.objects.get(parent=execution)
    assert run_command("stop", CommandRequest(child, admin_user, ACTOR)).done
    runner.run(execution.pk)
    assert outputs(execution)["Problem"].short_type == "FlowExecutionStoppedException"


def test_a_terminal_status_never_changes(loop: FlowVersion) -> None:
    execution = begin(loop)
    runner.run(execution.pk)
    expire_leases()
    recovery.recover()
    assert fresh(execution).status == Status.ENDED
    with pytest.raises(IntegrityError), transaction.atomic():
        Execution.objects.filter(pk=execution.pk).update(status=Status.RUNNING)


def test_who_may_not_control_is_refused(loop: FlowVersion, django_user_model: type[User]) -> None:
    stranger = django_user_model.objects.create_user("stranger")
    execution = begin(loop)
    result = run_command("stop", CommandRequest(execution, stranger, ACTOR))
    assert not result.done
    assert fresh(execution).status == Status.QUEUED
    assert AuditEntry.objects.filter(command="stop", outcome="refused").exists()


EFFECT = """
a: {{type: Start Flow, bottom: write}}
write:
  type: Write All Text
  properties: {{File Path: out.txt, Text: "line;", Overwrite: {overwrite}}}
  bottom: e
  exception: h
h: {{type: Handle Block Exception, properties: {{Exception: ($)Problem}}, bottom: e}}
e: {{type: End Flow}}
"""


@pytest.mark.parametrize("overwrite", [True, False])
def test_an_effect_in_flight_is_repeated_or_throws(tmp_path: Path, overwrite: bool) -> None:
    """Design §5: what is not safe to repeat throws BlockInterruptedException."""
    blocks = EFFECT.format(overwrite=str(overwrite).lower())
    version = publish(tmp_path, "effect", blocks, "{Problem: {output: true}}")
    execution = begin(version)
    claimed = claim(execution.pk, "dies")
    assert claimed is not None
    turn = runner._Turn(claimed)
    turn.interpreter.begin({})
    turn.interpreter.advance(runner.Continue(), runner.Budget(1, time.time() + 9))
    decision = turn.interpreter.advance(runner.Continue(), runner.Budget(1, time.time() + 9))
    assert isinstance(decision, runner.Perform)
    turn._checkpoint({"waits": {"for": "effect", "again": decision.repeatable}, "since": 0.0})
    # The worker dies here: nothing says whether the file was written.
    expire_leases()
    recovery.recover()
    runner.run(execution.pk)
    problem = outputs(execution)["Problem"]
    if overwrite:
        assert problem is None
    else:
        assert problem.short_type == "BlockInterruptedException"


def test_ids_are_ordered_by_time(loop: FlowVersion) -> None:
    made: list[UUID] = [begin(loop).pk for _ in range(20)]
    assert made == sorted(made)
    assert all(pk.version == 7 for pk in made)


def test_a_structure_keeps_its_order_through_a_checkpoint(tmp_path: Path) -> None:
    """Design §5: an execution resumed from a checkpoint behaves as one that never stopped."""
    blocks = """
    a: {type: Start Flow, bottom: parse}
    parse:
      type: Convert Json To Object
      properties: {Json: =Text, Object: ($)Map}
      bottom: wait
    wait: {type: Wait For Duration, properties: {Duration: {}}, bottom: l}
    l:
      type: For Each Loop
      properties: {Collection: =Map, Current Iteration: ($)It}
      right: add
      bottom: e
    add: {type: Add Item At End, properties: {List: ($)Keys, Item: =It.Value.Key}, bottom: l}
    e: {type: End Flow}
    """
    variables = "{Text: {input: true}, Map: {}, It: {}, Keys: {default: [], output: true}}"
    version = publish(tmp_path, "ordered", blocks, variables)
    execution = begin(version, Text='{"zebra": 1, "a": 2, "mm": 3}')
    runner.run(execution.pk)
    recovery.recover()
    runner.run(execution.pk)
    assert outputs(execution) == {"Keys": ["zebra", "a", "mm"]}
