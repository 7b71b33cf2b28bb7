"""Reading what a block is given: its properties, from the variables that it sees. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from executions.engine import scopes
from executions.engine.program import Instruction, reader
from executions.engine.state import Frame
from flows import task_values
from flows.blocks.base import Property, check
from flows.blocks.errors import BlockException, invalid_property
from flows.expressions import ExpressionError, TasksRead
from flows.task_values import States
from flows.value_sources import Source
from flows.values import ExceptionValue


def lookup_of(
    instruction: Instruction, frames: list[Frame], context: dict[str, Any], states: States
) -> Callable[[str], Any]:
    """The variables as a block sees them; `states` is what is known of tasks."""
    lookup = reader(instruction, frames, context)
    return task_values.showing(lookup, states) if states else lookup


def properties(
    instruction: Instruction, frames: list[Frame], context: dict[str, Any], states: States
) -> dict[str, Any]:
    """The input properties. Raises BlockException (semantics 20, 23, 52), and TasksRead for tasks
    of which `states` does not tell."""
    frame = frames[-1]
    lookup = lookup_of(instruction, frames, context, states)
    keeps = instruction.block.keeps_items
    given: dict[str, Any] = {}
    for name, prop, source in instruction.readers:
        if name == keeps and (held := f"items:{instruction.key}") in frame.variables:
            given[name] = frame.variables[held]
            continue
        try:
            value = source.read(lookup)
        except (KeyError, ExpressionError) as problem:
            raise _invalid(name, problem) from None
        if states:
            value = task_values.hidden(value, states)
        check(prop, value)
        if name == keeps:
            value = scopes.keep_items(frames, held, value)
        given[name] = value
    return given


def one(prop: Property, source: Source, lookup: Callable[[str], Any], states: States) -> Any:
    """One property that is read by itself. Raises as `properties` does."""
    try:
        value = task_values.hidden(source.read(lookup), states)
    except (KeyError, ExpressionError) as problem:
        raise _invalid(prop.name, problem) from None
    check(prop, value)
    return value


def _invalid(name: str, problem: KeyError | ExpressionError) -> BlockException | TasksRead:
    if isinstance(problem, TasksRead):
        return problem
    if isinstance(problem, KeyError):
        return invalid_property(name, f"the variable {problem.args[0]} is not initialised.")
    text = str(problem)
    return invalid_property(name, text, inner=ExceptionValue("Cel.EvaluationException", text))


def guards(
    instruction: Instruction,
    frames: list[Frame],
    context: Mapping[str, Any],
    states: States,
) -> tuple[Any, Any]:
    """The values of Semaphore and Block Timeout. Raises as `properties` does."""
    lookup = lookup_of(instruction, frames, dict(context), states)
    semaphore, timeout = (
        None if guard is None else one(*guard, lookup, states)
        for guard in (instruction.semaphore, instruction.timeout)
    )
    return semaphore, timeout
