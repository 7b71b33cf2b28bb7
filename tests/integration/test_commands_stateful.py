"""Random commands, crashes and recoveries on real PostgreSQL: whatever their order, every change of
status is in the table of transitions, and every execution comes to the end that it should."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from executions import recovery, runner
from executions.commands.lifecycle.start import start
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.effects import clients
from executions.engine import overruns
from executions.engine.state import Budget, Continue, Perform, Yielded
from executions.models import Execution, Step, new_id
from executions.states import TRANSITIONS, Status
from executions.store.lifecycle.checkpoints import LeaseLost
from executions.store.lifecycle.claims import claim
from flows import values
from flows.models import FlowVersion
from tests.driving import ACTOR, expire_leases
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
from tests.thoroughness import examples

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]
RECORD = """
    CREATE TABLE recorded (number bigserial PRIMARY KEY, id uuid, before text, after text);
    CREATE FUNCTION record() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO recorded (id, before, after) VALUES (new.id, old.status, new.status);
        RETURN new;
    END $$;
    CREATE TRIGGER record AFTER UPDATE ON executions_execution FOR EACH ROW
    WHEN (old.status <> new.status) EXECUTE FUNCTION record();
"""
#: Appends a line twice, or notes that nobody knows whether it was.
ONCE = """
a: {type: Start Flow, bottom: l}
l:
  type: For Loop
  properties: {Start Index: 1, End Index: 2, Current Index: ($)I}
  right: write
  bottom: e
write:
  type: Write All Text
  properties: {File Path: =Path, Text: '=string(I) + ";"', Overwrite: false}
  bottom: l
  exception: h
h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: note}
note: {type: Add Item At End, properties: {List: ($)Noted, Item: =string(I)}, bottom: l}
e: {type: End Flow}
"""
ONCE_VARIABLES = (
    "{Path: {input: true}, I: {default: 0}, Problem: {}, Noted: {default: [], output: true}}"
)
#: Enters a workspace three times, whose variable must hold nothing whenever it is entered.
NEST = """
a: {type: Start Flow, bottom: l}
l:
  type: For Loop
  properties: {Start Index: 1, End Index: 3, Current Index: ($)I}
  right: w
  bottom: e
w:
  type: Workspace
  variables: {T: {}}
  blocks:
    s: {type: Start Workspace, bottom: left}
    left:
      type: Add Item At End
      properties: {List: ($)Seen, Item: ($)T}
      bottom: x
      exception: h
    h: {type: Handle Block Exception, bottom: set}
    set: {type: Set Variable, properties: {Value: =I, Variable: ($)T}, bottom: add}
    add: {type: Add Item At End, properties: {List: ($)Seen, Item: =T * 10}, bottom: x}
    x: {type: End Workspace}
  bottom: l
e: {type: End Flow}
"""
NEST_VARIABLES = "{I: {default: 0}, Seen: {default: [], output: true}}"
#: How many blocks a worker runs from one checkpoint to the next.
BUDGETS = st.lists(st.integers(1, 4), min_size=1, max_size=6)
#: A failure is told as it is found: to make it smaller takes minutes of real turns.
PHASES = (Phase.explicit, Phase.generate)
FORGET = "DROP TRIGGER record ON executions_execution; DROP FUNCTION record; DROP TABLE recorded"


def sql(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def expire() -> None:
    expire_leases()
    recovery.recover()


def written_by(execution: Execution) -> list[str]:
    """The lines that an execution of `once` has appended."""
    path = settings.FILES_ROOT / execution.inputs.get("Path", "nothing")
    return path.read_text().split(";")[:-1] if path.exists() else []


def test_random_commands_and_crashes(
    tmp_path: Path, admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Here a worker dies far more often than one that its block kills.
    monkeypatch.setattr(overruns, "MAX_WORKER_DEATHS", 1000)
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    flows: list[tuple[FlowVersion, dict[str, Any], Any]] = [
        (publish(tmp_path, "loop", LOOP, LOOP_VARIABLES), {"Last": 3}, {"Seen": [1, 2, 3]}),
        (publish(tmp_path, "wait", WAIT, WAIT_VARIABLES), {"Seconds": 0.01}, {"Woke": 7}),
        (
            publish(tmp_path, "parent", PARENT, PARENT_VARIABLES),
            {"N": 4},
            {"Result": {"Square": 16}, "Problem": None},
        ),
        (publish(tmp_path, "once", ONCE, ONCE_VARIABLES), {}, None),
        (publish(tmp_path, "nest", NEST, NEST_VARIABLES), {}, {"Seen": [10, 20, 30]}),
    ]

    class Commands(RuleBasedStateMachine):
        """Executions, and the turns of workers that died or froze in the middle of one."""

        @initialize(
            kinds=st.lists(st.integers(0, 4), min_size=1, max_size=2),
            held=st.sampled_from((False, False, True)),
        )
        def begin(self, kinds: list[int], held: bool) -> None:
            sql("TRUNCATE recorded")
            Execution.objects.all().delete()
            self.turns: list[runner._Turn] = []
            self.expected = {}
            self.stopped = False
            for kind in kinds:
                version, inputs, outputs = flows[kind]
                trigger = Execution.Trigger.COMMAND_LINE
                if version.flow.name == "once":
                    inputs = {"Path": f"once-{new_id()}"}
                execution = start(version, inputs, ACTOR, trigger, paused=held)
                self.expected[execution.pk] = outputs

        def one(self, number: int) -> Execution:
            executions = list(Execution.objects.order_by("id"))
            return executions[number % len(executions)]

        @rule(number=st.integers(0, 3), name=st.sampled_from(["pause", "continue", "step"]))
        def command(self, number: int, name: str) -> None:
            run_command(name, CommandRequest(self.one(number), admin_user, ACTOR))

        @rule(number=st.integers(0, 3))
        def stop(self, number: int) -> None:
            self.stopped |= run_command(
                "stop", CommandRequest(self.one(number), admin_user, ACTOR)
            ).done

        @rule(number=st.integers(0, 3))
        def work(self, number: int) -> None:
            runner.run(self.one(number).pk)

        @rule(number=st.integers(0, 3), budgets=BUDGETS, written=st.booleans())
        def crash(self, number: int, budgets: list[int], written: bool) -> None:
            """As `freeze`, and its lease is over at once."""
            self.freeze(number, budgets, written)
            self.expire()

        @rule(number=st.integers(0, 3), budgets=BUDGETS, written=st.booleans())
        def freeze(self, number: int, budgets: list[int], written: bool) -> None:
            """A worker claims it, runs some blocks, writes down all or all but the last of them,
            and says no more."""
            claimed = claim(self.one(number).pk, f"worker {new_id()}")
            if claimed is None:
                return
            turn = runner._Turn(claimed)
            if not claimed.frames:
                turn.interpreter.begin(claimed.inputs)
            waits = claimed.state.get("waits") or claimed.steps_wanted is not None
            for place, blocks in enumerate([] if waits else budgets, 1):
                decision = turn.interpreter.advance(Continue(), Budget(blocks, 2e12))
                if isinstance(decision, Perform):
                    self.die_in_effect(turn, decision, done=written)
                if not isinstance(decision, Yielded):
                    return
                if written or place < len(budgets):
                    turn._checkpoint()
            self.turns.append(turn)

        def die_in_effect(self, turn: runner._Turn, decision: Perform, *, done: bool) -> None:
            """It has written down what it is about to do, and perhaps has done it."""
            turn._checkpoint(turn._state("effect", {"again": decision.repeatable}))
            block = turn.interpreter.graph.blocks[decision.block].block
            if done:
                block.perform(decision.inputs, clients(decision.until))

        @rule()
        def wake(self) -> None:
            """The worker goes on, whatever has become of its lease meanwhile."""
            if not self.turns:
                return
            turn = self.turns.pop(0)
            before = Execution.objects.get(pk=turn.claimed.id)
            with suppress(LeaseLost):
                turn.run()
            if before.lease_owner != turn.claimed.owner:
                after = Execution.objects.get(pk=before.pk)
                assert after.revision == before.revision, "written without a lease"

        @rule()
        def expire(self) -> None:
            expire()

        @rule()
        def recover(self) -> None:
            recovery.recover()

        def teardown(self) -> None:
            for _ in range(40):
                self.expire()  # after the last end too, which it must not change
                if not (live := list(Execution.objects.filter(ended_at=None))):
                    break
                for execution in live:
                    run_command("continue", CommandRequest(execution, admin_user, ACTOR))
                    runner.run(execution.pk)
            for before, after in sql("SELECT before, after FROM recorded ORDER BY number"):
                assert Status(after) in TRANSITIONS[Status(before)], (before, after)
            for execution in Execution.objects.all():
                assert Status(execution.status).is_terminal, (execution, execution.status)
                numbers = Step.objects.filter(execution=execution).values_list("number", flat=True)
                assert sorted(numbers) == list(range(1, execution.step_count + 1))
                children = Execution.objects.filter(parent=execution).count()
                assert children <= (execution.flow_name == "parent")
                lines = written_by(execution)
                assert len(lines) == len(set(lines)), "done twice"
                if self.stopped:
                    continue
                assert execution.status == Status.ENDED
                outputs = values.decode(execution.outputs)
                if execution.flow_name == "once":
                    assert {*lines, *outputs["Noted"]} == {"1", "2"}, "not done, nobody was told"
                elif execution.pk in self.expected:
                    assert outputs == self.expected[execution.pk]

    sql(RECORD)
    try:
        run_state_machine_as_test(
            Commands,
            settings=hypothesis_settings(
                max_examples=examples(30),
                stateful_step_count=12,
                deadline=None,
                phases=PHASES,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        sql(FORGET)


def turn_of(execution: Execution, worker: str) -> runner._Turn:
    claimed = claim(execution.pk, worker)
    assert claimed is not None
    turn = runner._Turn(claimed)
    if not claimed.frames:
        turn.interpreter.begin(claimed.inputs)
    return turn


def test_a_crash_after_any_block_changes_nothing(tmp_path: Path) -> None:
    """A worker writes a checkpoint after each block, and dies; another goes on. What the first
    wants to write while the other holds the execution is not written."""
    version = publish(tmp_path, "nest", NEST, NEST_VARIABLES)
    for survived in range(1, 26):
        execution = start(version, {}, ACTOR, Execution.Trigger.COMMAND_LINE)
        dead = turn_of(execution, "dead")
        for _ in range(survived):
            assert isinstance(dead.interpreter.advance(Continue(), Budget(1, 2e12)), Yielded)
            dead._checkpoint()
        expire()
        alive = turn_of(execution, "alive")
        for write in (
            dead._checkpoint,
            lambda turn=dead: turn._release(runner.Release(Status.ENDED)),
        ):
            with pytest.raises(LeaseLost):
                write()
        alive.run()
        execution.refresh_from_db()
        assert execution.status == Status.ENDED
        assert values.decode(execution.outputs) == {"Seen": [10, 20, 30]}, survived
        numbers = Step.objects.filter(execution=execution).values_list("number", flat=True)
        assert sorted(numbers) == list(range(1, execution.step_count + 1))
