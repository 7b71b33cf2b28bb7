"""An execution as it was after each of its steps: for random flows, commands and crashes between
them, exactly what a snapshot taken then holds."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st

from executions import runner
from executions.commands.lifecycle.start import start
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.engine.interpreter import Interpreter
from executions.engine.state import BrokeOnException, Budget, Continue, Route, Yielded
from executions.models import Execution, Step, new_id
from executions.states import Status
from executions.store import history
from executions.store.lifecycle import claims
from flows import queries, values
from flows.blocks.base import Port
from flows.models import FlowVersion
from tests.driving import ACTOR, fresh
from tests.quick_yaml import write_yaml
from tests.thoroughness import examples
from tests.unit.test_replay import VARIABLES, Writer, statements

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]
#: More steps than this are not taken.
STEPS = 120
PHASES = (Phase.explicit, Phase.generate)


@dataclass
class Snapshot:
    """What frames hold."""

    tokens: list[tuple[str, str]]
    port: Port | None
    variables: dict[tuple[int, str], Any]

    @classmethod
    def of(cls, interpreter: Interpreter, port: Port | None = None) -> "Snapshot":
        frames = interpreter.frames
        return cls(
            [(frame.workspace, frame.block) for frame in frames],
            port,
            {
                (level, name): values.encode(value)
                for level, frame in enumerate(frames)
                for name, value in frame.variables.items()
                if not name.startswith("items:")
            },
        )

    @classmethod
    def at(cls, past: history.ExecutionAt) -> "Snapshot":
        return cls(
            [(token.workspace, token.block) for token in past.tokens],
            past.tokens[-1].port,
            {key: cls.whole(past, *key) for key in past.variables},
        )

    @staticmethod
    def whole(past: history.ExecutionAt, level: int, name: str) -> Any:
        """A value that is known, be it large."""
        known, form = past.value(level, name)
        assert known
        return form


def turn_of(execution: Execution) -> runner._Turn:
    claimed = claims.claim(execution.pk, f"worker {new_id()}")
    assert claimed is not None
    turn = runner._Turn(claimed)
    if not claimed.frames:
        turn.interpreter.begin(claimed.inputs)
    turn.interpreter.break_on_exception(True)
    return turn


@dataclass
class Play:
    """An execution that is run block by block, with a snapshot of every moment."""

    execution: Execution
    user: User
    snapshots: dict[int, Snapshot] = field(default_factory=dict)

    def run(self, budget: int, *, crash: bool) -> bool:
        """Some blocks, then a pause; False when it has ended. A crash loses what came last."""
        turn = turn_of(self.execution)
        waits = turn.claimed.state.get("waits")
        event: Any = Continue()
        if waits:
            event = Route(values.decode(waits["exception"]), waits["step"])
        if turn.interpreter.step_count not in self.snapshots:
            self.keep(turn.interpreter)
        for number in range(budget):
            if turn.interpreter.step_count >= STEPS:
                return False
            before = turn.interpreter.step_count
            decision = turn.interpreter.advance(event, Budget(1, 2e12))
            event = Continue()
            if isinstance(decision, BrokeOnException):
                self.keep(turn.interpreter, Port.EXCEPTION)
                turn._carry_out(decision)
                return True
            if not isinstance(decision, Yielded):
                turn._carry_out(decision)
                return False
            if turn.interpreter.step_count > before:
                self.keep(turn.interpreter)
            if not crash or number < budget // 2:
                turn._checkpoint()
        turn._release(runner.Release(Status.PAUSED))
        return True

    def keep(self, interpreter: Interpreter, port: Port | None = None) -> None:
        self.snapshots[interpreter.step_count] = Snapshot.of(interpreter, port)

    def command(self, command: str, **fields: str) -> None:
        result = run_command(
            command, CommandRequest(fresh(self.execution), self.user, ACTOR, fields)
        )
        if not result.done:
            return
        held = claims.read(self.execution.pk)
        graph = queries.compiled(held.version_id)
        interpreter = Interpreter(graph, float)
        interpreter.restore(held.snapshot())
        stays = held.state.get("waits")
        self.keep(interpreter, Port.EXCEPTION if stays else None)

    def go_on(self) -> None:
        Execution.objects.filter(pk=self.execution.pk).update(status="Queued", place="")

    def compare(self) -> None:
        execution = fresh(self.execution)
        graph = queries.compiled(execution.version_id)
        for step, expected in self.snapshots.items():
            # What a crash has lost; an exception that is on its way from its port.
            if step > execution.step_count or (step == execution.step_count and expected.port):
                continue
            past = history.at(execution, graph, step)
            assert Snapshot.at(past) == expected, step
            made = list(execution.steps.filter(number__lte=step))
            assert past.visits == Counter((row.block, row.port) for row in made)
            took: Counter[str] = Counter()
            for row in made:
                took[row.block] += row.duration
            assert past.durations == took
            self.compare_lives(past, made)

    def compare_lives(self, past: history.ExecutionAt, made: list[Step]) -> None:
        """Every step until then that a token made is one of its level since it came."""
        for token in past.tokens:
            life = past.token_lifetime(token.level)
            own = [row for row in made if row.level == token.level and row.number > life.after]
            inside = {row.block.rpartition("/")[0] for row in own}
            assert inside <= {token.workspace}
            later = [row for row in made if row.level < token.level and row.number > life.after]
            assert not later
            assert life.before is None or life.before > past.step


def publish(folder: Path, document: dict[str, Any]) -> FlowVersion:
    path = folder / "random.yaml"
    document = document | {"flow": f"random-{new_id().hex}"}
    path.write_text(write_yaml(document))
    with suppress(CommandError):
        call_command("import_flows", str(path), publish=True, verbosity=0)
    version = queries.latest_published(document["flow"])
    assume(version is not None)  # a literal that is no collection, and the like
    assert version is not None
    return version


commands = st.one_of(
    st.tuples(st.just("set-variable"), st.sampled_from(VARIABLES), st.integers(0, 1)),
    st.tuples(st.just("set-next"), st.integers(0, 100)),
    st.tuples(st.just("none")),
)


#: The next block is set before the first step, which then changes something itself.
BEFORE_THE_FIRST = {
    "body": [("throw", True)],
    "budgets": [0, 4],
    "wanted": [("set-next", 24), ("none",)],
    "crash": True,
}


@settings(
    max_examples=examples(15), deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck)
)
@example(**BEFORE_THE_FIRST)
@given(
    body=statements,
    budgets=st.lists(st.integers(0, 9), min_size=1, max_size=5),
    wanted=st.lists(commands, min_size=1, max_size=4),
    crash=st.booleans(),
)
def test_every_moment_is_as_it_was(
    tmp_path: Path,
    admin_user: User,
    body: list[Any],
    budgets: list[int],
    wanted: list[Any],
    crash: bool,
) -> None:
    # Validation asks that something initialises each variable, not that it comes first.
    ends = [("set", name, number) for number, name in enumerate(VARIABLES)]
    version = publish(tmp_path, Writer().document([*body, *ends]))
    graph = queries.compiled(version.pk)
    execution = start(version, {}, ACTOR, Execution.Trigger.COMMAND_LINE)
    play = Play(execution, admin_user)
    for turn in range(40):
        if not play.run(budgets[turn % len(budgets)], crash=crash):
            break
        match wanted[turn % len(wanted)]:
            case ("set-variable", name, level):
                value = f'"told {turn}"'
                play.command("set-variable", name=name, level=str(level), value=value, retype="1")
            case ("set-next", number):
                blocks = list(graph.blocks)
                play.command("set-next", block=blocks[number % len(blocks)])
        play.go_on()
    play.compare()
