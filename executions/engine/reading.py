"""Reading a block's input properties from the variables that it sees. Pure."""

from collections.abc import Callable
from typing import Any

from executions.engine import scopes
from executions.engine.environment import Environment
from executions.engine.program import Instruction
from flows import task_values
from flows.blocks.base import Property, check
from flows.blocks.errors import BlockException, invalid_property
from flows.expressions import ExpressionError, TaskStateNeeded
from flows.task_values import States
from flows.value_sources import Source
from flows.values import ExceptionValue


def properties(instruction: Instruction, environment: Environment) -> dict[str, Any]:
    """Return the input properties. Raises BlockException (semantics 20, 23, 52), and
    TaskStateNeeded for tasks whose states are not known."""
    frame = environment.frames[-1]
    states = environment.tasks
    lookup = environment.lookup(instruction)
    keeps = instruction.block.keeps_items
    given: dict[str, Any] = {}
    for name, prop, source in instruction.readers:
        if name == keeps and (items := f"items:{instruction.key}") in frame.variables:
            given[name] = frame.variables[items]
            continue
        try:
            value = source.read(lookup)
        except (KeyError, ExpressionError) as problem:
            raise _invalid(name, problem) from None
        if states:
            value = task_values.collapse(value, states)
        check(prop, value)
        if name == keeps:
            value = scopes.keep_items(environment.frames, items, value)
        given[name] = value
    return given


def guards(instruction: Instruction, environment: Environment) -> tuple[Any, Any]:
    """Return the values of Semaphore and Block Timeout. Raises as `properties` does."""
    lookup = environment.lookup(instruction)
    semaphore, timeout = (
        None if guard is None else _property(*guard, lookup, environment.tasks)
        for guard in (instruction.semaphore, instruction.timeout)
    )
    return semaphore, timeout


def _property(prop: Property, source: Source, lookup: Callable[[str], Any], states: States) -> Any:
    try:
        value = task_values.collapse(source.read(lookup), states)
    except (KeyError, ExpressionError) as problem:
        raise _invalid(prop.name, problem) from None
    check(prop, value)
    return value


def _invalid(name: str, problem: KeyError | ExpressionError) -> BlockException | TaskStateNeeded:
    if isinstance(problem, TaskStateNeeded):
        return problem
    if isinstance(problem, KeyError):
        return invalid_property(name, f"the variable {problem.args[0]} is not initialised.")
    text = str(problem)
    return invalid_property(name, text, inner=ExceptionValue("Cel.EvaluationException", text))
