"""Random commands, crashes and recoveries on real PostgreSQL: whatever their order, every change of
status is in the table of transitions, and every execution comes to the end that it should."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from executions import recovery, runner
from executions.commands.actor import Actor
from executions.commands.control import control
from executions.commands.start import start
from executions.engine.state import Go, Yielded
from executions.models import Execution, Step
from executions.states import TRANSITIONS, Status
from executions.store.checkpoints import LeaseLost
from executions.store.claims import claim
from flows import values
from flows.models import FlowVersion
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

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]
ACTOR = Actor(user_id=None, name="tester", source="command line")
RECORD = """
    CREATE TABLE recorded (number bigserial PRIMARY KEY, id uuid, before text, after text);
    CREATE FUNCTION record() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO recorded (id, before, after) VALUES (new.id, old.status, new.status);
        RETURN new;
    END $$;
    CREATE TRIGGER record AFTER UPDATE ON executions_execution FOR EACH ROW
    WHEN (old.status <> new.status) EXECUTE FUNCTION record();
"""
FORGET = "DROP TRIGGER record ON executions_execution; DROP FUNCTION record; DROP TABLE recorded"


def sql(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_random_commands_and_crashes(tmp_path: Path, admin_user: User) -> None:
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    flows: list[tuple[FlowVersion, dict[str, Any], Any]] = [
        (publish(tmp_path, "loop", LOOP, LOOP_VARIABLES), {"Last": 3}, {"Seen": [1, 2, 3]}),
        (publish(tmp_path, "wait", WAIT, WAIT_VARIABLES), {"Seconds": 0.01}, {"Woke": 7}),
        (
            publish(tmp_path, "parent", PARENT, PARENT_VARIABLES),
            {"N": 4},
            {"Result": {"Square": 16}, "Problem": None},
        ),
    ]

    class Commands(RuleBasedStateMachine):
        """Executions, and the turns of workers that died or froze in the middle of one."""

        @initialize(kinds=st.lists(st.integers(0, 2), min_size=1, max_size=2), held=st.booleans())
        def begin(self, kinds: list[int], held: bool) -> None:
            sql("TRUNCATE recorded")
            Execution.objects.all().delete()
            self.turns: list[runner._Turn] = []
            self.expected = {}
            self.stopped = False
            for kind in kinds:
                version, inputs, outputs = flows[kind]
                trigger = Execution.Trigger.COMMAND_LINE
                execution = start(version, inputs, ACTOR, trigger, paused=held)
                self.expected[execution.pk] = outputs

        def one(self, number: int) -> Execution:
            executions = list(Execution.objects.order_by("id"))
            return executions[number % len(executions)]

        @rule(number=st.integers(0, 3), name=st.sampled_from(["pause", "continue", "step"]))
        def command(self, number: int, name: str) -> None:
            control(name, admin_user, self.one(number), ACTOR)

        @rule(number=st.integers(0, 3))
        def stop(self, number: int) -> None:
            self.stopped |= control("stop", admin_user, self.one(number), ACTOR).done

        @rule(number=st.integers(0, 3))
        def work(self, number: int) -> None:
            runner.run(self.one(number).pk)

        @rule(number=st.integers(0, 3), blocks=st.integers(0, 4), written=st.booleans())
        def freeze(self, number: int, blocks: int, written: bool) -> None:
            """A worker claims it, runs some blocks, perhaps writes them down, and says no more."""
            claimed = claim(self.one(number).pk, f"worker {len(self.turns)}")
            if claimed is None:
                return
            turn = runner._Turn(claimed)
            waits = claimed.state.get("waits")
            if not claimed.frames:
                turn.interpreter.begin(claimed.inputs)
            if blocks and not waits and claimed.steps_wanted is None:
                decision = turn.interpreter.advance(Go(), blocks=blocks, until=2e12)
                if not isinstance(decision, Yielded):
                    return
                if written:
                    turn._checkpoint()
            self.turns.append(turn)

        @rule()
        def wake(self) -> None:
            """The worker goes on, whatever has become of its lease meanwhile."""
            if self.turns:
                with suppress(LeaseLost):
                    self.turns.pop(0).run()

        @rule()
        def expire(self) -> None:
            sql(
                "UPDATE executions_execution SET lease_expires_at = now() - interval '1 s' "
                "WHERE lease_expires_at IS NOT NULL"
            )
            recovery.recover()

        @rule()
        def recover(self) -> None:
            recovery.recover()

        def teardown(self) -> None:
            for _ in range(40):
                self.expire()
                for execution in Execution.objects.filter(ended_at=None):
                    control("continue", admin_user, execution, ACTOR)
                    runner.run(execution.pk)
            for before, after in sql("SELECT before, after FROM recorded ORDER BY number"):
                assert Status(after) in TRANSITIONS[Status(before)], (before, after)
            for execution in Execution.objects.all():
                assert Status(execution.status).is_terminal, (execution, execution.status)
                numbers = Step.objects.filter(execution=execution).values_list("number", flat=True)
                assert sorted(numbers) == list(range(1, execution.step_count + 1))
                if not self.stopped:
                    assert execution.status == Status.ENDED
                if execution.pk in self.expected and not self.stopped:
                    assert values.decode(execution.outputs) == self.expected[execution.pk]

    sql(RECORD)
    try:
        run_state_machine_as_test(
            Commands,
            settings=settings(
                max_examples=25,
                stateful_step_count=15,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        sql(FORGET)
