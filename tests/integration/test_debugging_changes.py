"""What a person changes in an execution by hand, on real PostgreSQL: its next block, variables,
version, debugger and end; who may, and what happens when it has moved on meanwhile.

Turns are run in this process, so that a test decides what happens in between.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client

from executions import runner
from executions.commands.debugging.move_version import preview
from executions.commands.lifecycle.start import start
from executions.commands.registry import COMMANDS
from executions.commands.request import CommandRequest
from executions.commands.run import CommandResult, run_command
from executions.models import (
    AuditEntry,
    Execution,
    KeptBreakpoint,
    SemaphoreTicket,
    Token,
    Value,
)
from executions.states import TERMINAL, Status
from executions.store.lifecycle.claims import claim
from flows import values
from flows.models import FlowVersion
from tests.debugging import Session, at, held, may_debug
from tests.flows_in_tests import (
    LOOP,
    LOOP_VARIABLES,
    WAIT,
    WAIT_VARIABLES,
    publish,
)
from tests.integration.test_semaphores import HOLD, HOLD_VARIABLES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


# Set next block -------------------------------------------------------------------------------


def test_the_next_block_may_be_in_another_workspace(nested: FlowVersion, ada: Session) -> None:
    """Semantics 89, wider: scopes are left and entered as by the token itself (11, 16)."""
    execution = ada.start(nested, paused=True)
    assert ada.do("set-next", execution, block="w/v/x") == "'Start Flow' → 'End Workspace'"
    assert at(execution) == ("Paused", "block", "w/v/x")
    tokens = Token.objects.filter(execution=execution).order_by("level")
    assert [t.block for t in tokens] == ["w", "w/v", "w/v/x"]
    assert held(execution, 1) == {"here": 1}
    assert held(execution, 2) == {"deep": 5}
    ada.do("set-next", execution, block="w/x")
    assert Token.objects.filter(execution=execution).count() == 2
    assert not Value.objects.filter(execution=execution, level=2).exists()
    ada.do("continue", execution)
    assert values.decode(execution.outputs) == {"Seen": None}


def test_handlers_are_next_only_for_an_exception(nested: FlowVersion, ada: Session) -> None:
    execution = ada.start(nested, paused=True)
    assert "there is none" in ada.refused("set-next", execution, block="w/h")
    assert "block does not exist" in ada.refused("set-next", execution, block="nope")
    broken = ada.start(nested, break_on_exception=True)
    ada.do("set-next", broken, block="w/h")
    assert at(broken) == ("Paused", "block", "w/h")
    ada.do("continue", broken)
    assert values.decode(broken.outputs)["Seen"].message == "oh"


def test_a_wait_is_given_up(tmp_path: Path, ada: Session) -> None:
    version = publish(tmp_path, "wait", WAIT, WAIT_VARIABLES)
    execution = ada.start(version, inputs={"Seconds": 900})
    assert execution.reason == "time"
    ada.do("pause", execution)
    ada.do("set-next", execution, block="w/set")
    ada.do("continue", execution)
    assert values.decode(execution.outputs) == {"Woke": 7}


def test_several_are_moved_at_once(nested: FlowVersion, ada: Session) -> None:
    """Through the view, with its extra fields."""
    executions = [ada.start(nested, paused=True) for _ in range(3)]
    client = Client()
    client.force_login(ada.user)
    data = {"id": [str(e.pk) for e in executions], "block": "e"}
    assert client.post("/executions/commands/set-next/", data).status_code == 302
    for execution in executions:
        execution.refresh_from_db()
        assert execution.block == "e"


# Variables ------------------------------------------------------------------------------------


def test_a_variable_is_edited_with_its_type_kept(loop: FlowVersion, ada: Session) -> None:
    execution = ada.start(loop, inputs={"Last": 2}, paused=True)
    assert ada.do("set-variable", execution, name="last", value="4") == "Last: 2 → 4"
    assert "Integer" in ada.refused("set-variable", execution, name="Last", value='"many"')
    for typed, said in (
        ("{", "Enter a whole number"),
        ("five", "Enter a whole number"),
        ("", "Enter a whole number"),
        ("1,234", "nothing between thousands"),
        ("1_000", "without blanks or underscores"),
        ("\uff11\uff12", "with the digits 0 to 9"),
        ("1e3", "Integer, not Number"),
        ("9" * 5000, "at most 4,300 digits"),
    ):
        assert said in ada.refused("set-variable", execution, name="Last", value=typed), typed
    assert "variable does not exist" in ada.refused(
        "set-variable", execution, name="Other", value="1"
    )
    assert "workspace" in ada.refused("set-variable", execution, name="I", value="1", level="3")
    ada.do("set-variable", execution, name="Seen", value='{"a": 1}', retype="1")
    assert held(execution)["seen"] == {"a": 1}
    ada.do("set-variable", execution, name="Seen", value="[0]", retype="1")
    ada.do("continue", execution)
    assert values.decode(execution.outputs) == {"Seen": [0, 1, 2, 3, 4]}
    told = AuditEntry.objects.filter(command="set-variable", outcome="done").last()
    assert told is not None


# Retry ----------------------------------------------------------------------------------------


def test_a_failed_execution_is_tried_again(parent: FlowVersion, ada: Session) -> None:
    square = Execution.objects.filter(flow_name="square")
    assert not square.exists()
    version = FlowVersion.objects.get(flow__name="square")
    failed = ada.start(version, inputs={"N": -2})
    assert failed.status == Status.ERROR
    assert ada.do("retry", failed, paused="1").startswith("as ")
    fresh = Execution.objects.get(origin=failed)
    assert failed.status == Status.ERROR
    runner.run(fresh.pk)
    fresh.refresh_from_db()
    assert at(fresh) == ("Paused", "block", "t")
    assert held(fresh) == {"n": -2}
    ada.do("set-variable", fresh, name="N", value="6")
    ada.do("set-next", fresh, block="s")
    ada.do("continue", fresh)
    assert values.decode(fresh.outputs) == {"Square": 36}


def test_a_stopped_execution_is_tried_again_where_it_was(loop: FlowVersion, ada: Session) -> None:
    execution = ada.start(loop, inputs={"Last": 5}, paused=True)
    assert "Stopped, Error or Ended" in ada.refused("retry", execution)
    ada.do("breakpoint", execution, block="add", condition="I == 3")
    ada.do("continue", execution)
    ada.do("stop", execution)
    ada.do("retry", execution)
    fresh = Execution.objects.get(origin=execution)
    runner.run(fresh.pk)
    fresh.refresh_from_db()
    assert values.decode(fresh.outputs) == {"Seen": [1, 2, 3, 4, 5]}
    ended = ada.start(loop)
    assert "Stopped, Error or Ended" in ada.refused("retry", ended)


# Force stop -----------------------------------------------------------------------------------


def test_a_forced_stop_is_at_once_and_the_worker_writes_nothing(
    loop: FlowVersion, ada: Session
) -> None:
    """Semantics 102: at once."""
    execution = start(loop, {"Last": 1000}, ada.actor, Execution.Trigger.PAGE)
    claimed = claim(execution.pk, "host:1:abc:11111111-2222-3333-4444-555555555555")
    assert claimed is not None
    result = run_command("force-stop", CommandRequest(execution, ada.user, ada.actor))
    assert result.done
    assert "task" in result.detail
    execution.refresh_from_db()
    assert (execution.status, execution.lease_owner) == (Status.STOPPED, "")
    with pytest.raises(runner.LeaseLost):
        runner._Turn(claimed).run()
    execution.refresh_from_db()
    assert (execution.status, execution.step_count) == (Status.STOPPED, 0)
    assert "already Stopped" in ada.refused("force-stop", execution)


def test_a_forced_stop_stops_the_children_too(parent: FlowVersion, ada: Session) -> None:
    execution = ada.start(parent, inputs={"N": 2})
    ada.do("force-stop", execution)
    assert Execution.objects.get(parent=execution).status == Status.STOPPED


# Attach and detach ----------------------------------------------------------------------------


def test_attach_and_detach_with_the_children(parent: FlowVersion, ada: Session) -> None:
    """Semantics 102."""
    KeptBreakpoint.objects.create(user=ada.user, flow_name="square", block="s")
    execution = ada.start(parent, inputs={"N": 2})
    child = Execution.objects.get(parent=execution)
    assert ada.do("attach", execution) == "with 1 child"
    runner.run(child.pk)
    child.refresh_from_db()
    assert at(child) == ("Paused", "breakpoint", "s")
    assert child.debugged_by == execution.debugged_by == ada.user
    ada.do("detach", execution)
    child.refresh_from_db()
    assert (child.status, child.debugged_by, child.debug) == (Status.QUEUED, None, None)
    assert "Nobody is debugging this" in ada.refused("detach", execution)
    runner.run(child.pk)
    runner.run(execution.pk)
    execution.refresh_from_db()
    assert execution.status == Status.ENDED


def test_one_person_debugs(loop: FlowVersion, ada: Session) -> None:
    grace = Session(User.objects.create_superuser("grace"))
    execution = ada.start(loop, paused=True)
    ada.do("attach", execution)
    for command in ("attach", "continue", "step"):
        assert "admin is debugging this" in grace.refused(command, execution)
    assert "admin is debugging this since" in grace.refused("detach", execution)
    ada.do("detach", execution)
    assert execution.status == Status.ENDED


# Edit and continue ----------------------------------------------------------------------------


def test_a_paused_execution_moves_to_a_newer_version(
    tmp_path: Path, loop: FlowVersion, ada: Session
) -> None:
    """Semantics 90: values are kept, new variables get their defaults."""
    execution = ada.start(loop, inputs={"Last": 3}, paused=True)
    ada.do("breakpoint", execution, block="add", condition="I == 2")
    ada.do("continue", execution)
    assert "newer than v1" in ada.refused("move-version", execution)
    newer = publish(
        tmp_path,
        "loop",
        LOOP.replace("Item: =I", "Item: =I * Factor"),
        LOOP_VARIABLES + "\nFactor: {default: 10}\n",
    )
    assert preview(execution, newer).lost == []
    assert ada.do("move-version", execution) == "v1 → v2"
    ada.do("breakpoint", execution, block="add", action="remove")
    ada.do("continue", execution)
    assert (execution.version_id, execution.version_number) == (newer.pk, 2)
    assert values.decode(execution.outputs) == {"Seen": [1, 20, 30]}


def test_what_would_be_lost_is_told_before(tmp_path: Path, loop: FlowVersion, ada: Session) -> None:
    execution = ada.start(loop, inputs={"Last": 3}, paused=True)
    ada.do("breakpoint", execution, block="add")
    ada.do("continue", execution)
    shorter = publish(
        tmp_path,
        "loop",
        "{a: {type: Start Flow, bottom: e}, e: {type: End Flow}}",
        "{Seen: {output: true}}",
    )
    found = preview(execution, shorter)
    assert "Add Item At End" in found.impossible[0]
    assert "cannot move" in ada.refused("move-version", execution, accept="1")
    ada.do("set-next", execution, block="e")
    told = ada.refused("move-version", execution)
    for lost in ("variable Last", "variable I", "loop", "breakpoint"):
        assert lost in told
    assert execution.version_number == 1
    assert held(execution)["last"] == 3
    ada.do("move-version", execution, accept="1")
    assert held(execution) == {"seen": []}
    ada.do("continue", execution)
    assert values.decode(execution.outputs) == {"Seen": []}


# Who may, and when ----------------------------------------------------------------------------


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_who_may_only_look_changes_nothing(loop: FlowVersion, ada: Session, command: str) -> None:
    watcher = User.objects.create_user("watcher")
    watcher.user_permissions.add(Permission.objects.get(codename="view_execution"))
    execution = ada.start(loop, paused=True)
    revision = execution.revision
    fields = {"block": "e", "name": "I", "value": "1"}
    assert "not control it" in Session(watcher).refused(command, execution, **fields)
    assert execution.revision == revision


@pytest.mark.parametrize(
    "command", sorted(one.name for one in COMMANDS.values() if not one.applies(Status.ENDED))
)
def test_what_ended_meanwhile_is_refused(loop: FlowVersion, ada: Session, command: str) -> None:
    """The page still shows it paused; another person was faster."""
    execution = ada.start(loop, paused=True)
    seen = Execution.objects.get(pk=execution.pk)
    ada.do("continue", execution)
    result = run_command(
        command,
        CommandRequest(seen, ada.user, ada.actor, {"block": "e", "name": "I", "value": "1"}),
    )
    assert not result.done
    assert "Ended" in result.detail
    seen.refresh_from_db()
    assert seen.revision == execution.revision


@pytest.mark.parametrize("command", ["continue", "step", "step-over", "run-to", "set-next"])
def test_of_many_at_once_one_is_first(loop: FlowVersion, ada: Session, command: str) -> None:
    """Each on a connection of its own. What lets it go on lands once; the next block may be set
    again while it stays paused."""
    execution = ada.start(loop, paused=True)

    def give(_: int) -> CommandResult:
        try:
            return run_command(
                command, CommandRequest(execution, ada.user, ada.actor, {"block": "e"})
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(give, range(6)))
    done = [result for result in results if result.done]
    assert len(done) == (6 if command == "set-next" else 1)
    assert all("Queued" in result.detail for result in results if not result.done)
    assert AuditEntry.objects.filter(command=command, outcome="done").count() == len(done)
    execution.refresh_from_db()
    assert execution.block == ("e" if command == "set-next" else "a")


def test_who_may_not_start_flows_cannot_retry(loop: FlowVersion, ada: Session) -> None:
    person = Session(User.objects.create_user("bob"))
    execution = person.start(loop, paused=True)
    person.do("stop", execution)
    assert "may not start" in person.refused("retry", execution)
    assert not Execution.objects.filter(origin=execution).exists()


#: They apply to what the person debugs, two of them when somebody has asked for it.
_HOLDERS = ("detach", "hand-over", "keep-control", "release")


@pytest.mark.parametrize("status", Status)
def test_commands_apply_where_the_table_says(
    loop: FlowVersion, ada: Session, status: Status
) -> None:
    grace = may_debug(User.objects.create_user("grace"), "control_execution")
    waits = {"waits": {"for": "exception", "exception": None, "step": 0}}
    # These also depend on where it is, and on what is published.
    for command in sorted(COMMANDS.keys() - {"step-out", "move-version"}):
        execution = ada.start(loop, paused=True)
        Execution.objects.filter(pk=execution.pk).update(
            status=status,
            ended_at=execution.updated_at if status in TERMINAL else None,
            debugged_by=ada.user if command in _HOLDERS else None,
            asked_by=grace if command in _HOLDERS else None,
            state=waits if status == Status.EXCEPTION else {},
        )
        fields = {"block": "e", "name": "I", "value": "1"}
        result = run_command(command, CommandRequest(execution, ada.user, ada.actor, fields))
        assert result.done is (status in COMMANDS[command].applies_to), (command, result.detail)


# Semaphores and times ---------------------------------------------------------------------------


def test_what_is_left_by_hand_gives_its_semaphore_up(tmp_path: Path, ada: Session) -> None:
    """Semantics 82: as by the token itself; also a place in the queue."""
    version = publish(tmp_path, "hold", HOLD, HOLD_VARIABLES)
    queue = {"Priority": 1, "QueueTimeout": None}
    holder, first, second = (ada.start(version, inputs={"Queue": queue}) for _ in range(3))
    assert [e.reason for e in (holder, first, second)] == ["time", "semaphore", "semaphore"]
    ada.do("pause", first)
    ada.do("set-next", first, block="e")
    ada.do("pause", holder)
    ada.do("set-next", holder, block="w/x")
    second.refresh_from_db()
    assert second.reason == "semaphore"  # inside the workspace it is held still
    ada.do("set-next", holder, block="e")
    second.refresh_from_db()
    assert second.status == Status.QUEUED
    runner.run(second.pk)
    ticket = SemaphoreTicket.objects.get()
    assert (ticket.execution, ticket.stage) == (second, "held")


def test_a_retry_holds_no_semaphore_of_the_stopped_one(tmp_path: Path, ada: Session) -> None:
    version = publish(tmp_path, "hold", HOLD, HOLD_VARIABLES)
    execution = ada.start(version)
    ada.do("stop", execution)
    ada.do("retry", execution, paused="1")
    fresh = Execution.objects.get(origin=execution)
    runner.run(fresh.pk)
    tokens = Token.objects.filter(execution=fresh).order_by("level")
    assert [token.block for token in tokens] == ["w", "w/wait"]
    assert not any("semaphore" in token.state for token in tokens)
    assert not SemaphoreTicket.objects.exists()
