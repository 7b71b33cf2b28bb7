"""Breakpoints and stepping: runs the interpreter a block at a time and halts it before one.

Pure. An execution without breakpoints, and that runs on, has no Watch and pays nothing: the runner
then calls the interpreter itself. Breaking on exceptions is the interpreter's own.
"""

from dataclasses import dataclass, field
from math import inf

from executions.engine import secrets
from executions.engine.interpreter import Interpreter
from executions.engine.program import reader
from executions.engine.state import Decision, Event, Go, Yielded
from executions.states import Place
from flows import expressions
from flows.expressions import ExpressionError


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """Above a block, before it runs (semantics 88). It pauses from its `hits`-th hit on; a hit is
    a visit at which `condition`, an expression, is true or empty."""

    condition: str = ""
    hits: int = 1
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Until:
    """Run on until the token, past the step `after`, stands before `block`, or, without one, at
    most `level` workspaces deep."""

    after: int
    level: int = 0
    block: str = ""

    def reached(self, interpreter: Interpreter) -> bool:
        if interpreter.step_count <= self.after:
            return False
        frames = interpreter.frames
        return frames[-1].block == self.block if self.block else len(frames) <= self.level


@dataclass(frozen=True, slots=True)
class Halted:
    """The token stands before a block at which it has to pause."""

    place: Place


@dataclass(slots=True)
class Watch:
    """What halts one execution. `passed` is the step after which it was let through: it must
    not halt again where it stands. `counted` are the hits so far, by block."""

    breakpoints: dict[str, Breakpoint] = field(default_factory=dict)
    until: Until | None = None
    passed: int | None = None
    counted: dict[str, int] = field(default_factory=dict)
    #: Whether `counted` differs from what was written down.
    changed: bool = False

    def advance(
        self, interpreter: Interpreter, event: Event, *, blocks: int, until: float
    ) -> Decision | Halted:
        """As `Interpreter.advance`, but looks before each block whether to halt."""
        while True:
            if isinstance(event, Go):
                if blocks <= 0 or interpreter.clock() >= until:
                    return Yielded()
                place = self._halts(interpreter)
                if place is not Place.NONE:
                    return Halted(place)
            decision = interpreter.advance(event, blocks=1, until=inf)
            if not isinstance(decision, Yielded):
                return decision
            event = Go()
            blocks -= 1

    def _halts(self, interpreter: Interpreter) -> Place:
        if interpreter.step_count == self.passed:
            return Place.NONE
        key = interpreter.frames[-1].block
        breakpoint = self.breakpoints.get(key)
        if breakpoint is not None and self._hit(key, breakpoint, interpreter):
            return Place.BREAKPOINT
        if self.until is not None and self.until.reached(interpreter):
            return Place.BLOCK
        # A visit that asks for something first, as for a task, comes by again: it was let through.
        self.passed = interpreter.step_count
        return Place.NONE

    def _hit(self, key: str, breakpoint: Breakpoint, interpreter: Interpreter) -> bool:
        if not breakpoint.enabled or not _holds(breakpoint.condition, interpreter):
            return False
        self.counted[key] = self.counted.get(key, 0) + 1
        self.changed = True
        return self.counted[key] >= breakpoint.hits


def _holds(condition: str, interpreter: Interpreter) -> bool:
    """A condition that cannot be evaluated here pauses: to run past it silently would hide it. So
    does one that reads a secret: where it pauses would tell what that holds. Of other variables it
    sees what people see."""
    if not condition:
        return True
    lookup = reader(
        interpreter.program.instructions[interpreter.frames[-1].block],
        interpreter.frames,
        interpreter.context,
    )
    try:
        expression = expressions.compile(condition)
        if interpreter.program.secrets and secrets.read_by(
            interpreter.graph, _workspace(interpreter), expression.names
        ):
            return True
        seen = {name: lookup(name) for name in expression.names}
        if (known := interpreter.progress.secrets) is not None:
            seen = {name: known.shown(value) for name, value in seen.items()}
        result = expression.evaluate(seen)
    except (ExpressionError, KeyError):
        return True
    return result is not False


def _workspace(interpreter: Interpreter) -> str:
    return interpreter.program.instructions[interpreter.frames[-1].block].node.workspace
