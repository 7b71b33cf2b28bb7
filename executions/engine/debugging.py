"""Breakpoints and stepping: runs the interpreter a block at a time, and halts it before one.

Pure. An execution that has no breakpoints and runs on has no Stepper and pays nothing: the runner
then calls the interpreter itself. Breaking on exceptions is the interpreter's own.
"""

from dataclasses import dataclass, field

from executions.engine import secrets
from executions.engine.interpreter import Interpreter
from executions.engine.state import Budget, Continue, Decision, Event, Yielded
from executions.states import Place
from flows import expressions

_ONE_BLOCK = Budget(blocks=1)
#: What a page says of a condition that has ended its worker.
TOO_MUCH = "it takes too much time or memory."


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A breakpoint above a block (semantics 88). It pauses from its `hits`-th hit on; a hit is a
    visit at which `condition`, an expression, is true or empty."""

    condition: str = ""
    hits: int = 1
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class RunUntil:
    """Where Step Over, Step Out and Run To end: past the step `after`, when the token stands before
    `block`, or, without one, at most `level` workspaces deep."""

    after: int
    level: int = 0
    block: str = ""

    def is_reached(self, interpreter: Interpreter) -> bool:
        """Return whether the token stands there."""
        if interpreter.step_count <= self.after:
            return False
        frames = interpreter.frames
        return frames[-1].block == self.block if self.block else len(frames) <= self.level


@dataclass(frozen=True, slots=True)
class Halted:
    """The token stands before a block at which it has to pause; `problem` says why the condition
    of a breakpoint could not be evaluated."""

    place: Place
    problem: str = ""


@dataclass(slots=True)
class Stepper:
    """Runs an execution a block at a time. `passed` is the step after which it was let through:
    it must not halt again where it stands. `counted` are the hits so far, by block."""

    breakpoints: dict[str, Breakpoint] = field(default_factory=dict)
    until: RunUntil | None = None
    passed: int | None = None
    counted: dict[str, int] = field(default_factory=dict)
    #: Whether `counted` differs from what was written down.
    changed: bool = False

    def advance(self, interpreter: Interpreter, event: Event, budget: Budget) -> Decision | Halted:
        """Advance as `Interpreter.advance` does, but look before each block whether to halt."""
        blocks = budget.blocks
        while True:
            if isinstance(event, Continue):
                if blocks <= 0 or interpreter.now() >= budget.until:
                    return Yielded()
                halted = self._halts(interpreter)
                if halted is not None:
                    return halted
            decision = interpreter.advance(event, _ONE_BLOCK)
            if not isinstance(decision, Yielded):
                return decision
            event = Continue()
            blocks -= 1

    def has_condition(self, interpreter: Interpreter) -> bool:
        """Return whether a condition is evaluated before the token goes on."""
        if not interpreter.frames or interpreter.step_count == self.passed:
            return False
        breakpoint = self.breakpoints.get(interpreter.frames[-1].block)
        return breakpoint is not None and breakpoint.enabled and bool(breakpoint.condition)

    def _halts(self, interpreter: Interpreter) -> Halted | None:
        if interpreter.step_count == self.passed:
            return None
        key = interpreter.frames[-1].block
        breakpoint = self.breakpoints.get(key)
        if breakpoint is not None and breakpoint.enabled:
            holds, problem = _evaluate(breakpoint.condition, interpreter)
            if holds and self._counts(key, breakpoint):
                return Halted(Place.BREAKPOINT, problem)
        if self.until is not None and self.until.is_reached(interpreter):
            return Halted(Place.BLOCK)
        # A visit that asks for something first, as for a task, begins again: it was let through.
        self.passed = interpreter.step_count
        return None

    def _counts(self, key: str, breakpoint: Breakpoint) -> bool:
        """Count a hit; return whether it is one that pauses."""
        self.counted[key] = self.counted.get(key, 0) + 1
        self.changed = True
        return self.counted[key] >= breakpoint.hits


def _evaluate(condition: str, interpreter: Interpreter) -> tuple[bool, str]:
    """Return whether a condition holds, and why it could not be evaluated.

    One that cannot be evaluated holds: to run past it silently would hide that. So does one that
    reads a secret: where it pauses would tell what that holds. Of other variables it sees what
    people see.
    """
    if not condition:
        return True, ""
    instruction = interpreter.instruction
    lookup = interpreter.environment.lookup(instruction)
    try:
        expression = expressions.compile(condition)
        if interpreter.program.secrets and secrets.read_by(
            interpreter.graph, instruction.node.workspace, expression.names
        ):
            return True, "it reads a secret."
        variables = {name: lookup(name) for name in expression.names}
        if (hidden := interpreter.secrets) is not None:
            variables = {name: hidden.redact(value) for name, value in variables.items()}
        return expression.evaluate(variables) is not False, ""
    except KeyError as missing:
        return True, f"the variable {missing.args[0]} is not initialised."
    except MemoryError:
        return True, TOO_MUCH
    except Exception as problem:
        return True, f"{str(problem).removesuffix('.')}."
