"""Reading a block's input properties from the variables that it sees. Pure."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from executions.engine import scopes
from executions.engine.environment import Environment
from executions.engine.program import Instruction
from flows import task_values
from flows.blocks.base import MOMENTS, Property, check, passes_on
from flows.blocks.errors import BlockException, invalid_property
from flows.expressions import ExpressionError, TaskStateNeeded
from flows.site_zone import in_site_zone
from flows.task_values import States
from flows.value_sources import Source
from flows.values import ExceptionValue, has_secret, reveal


def properties(instruction: Instruction, environment: Environment) -> dict[str, Any]:
    """Return the input properties. Raises BlockException (semantics 20, 23, 52), and
    TaskStateNeeded for tasks whose states are not known."""
    frame = environment.frames[-1]
    states = environment.tasks
    lookup = environment.lookup(instruction)
    keeps = instruction.block.items_property
    inputs: dict[str, Any] = {}
    for name, prop, source in instruction.readers:
        if name == keeps and (items := f"items:{instruction.key}") in frame.variables:
            inputs[name] = frame.variables[items]
            continue
        try:
            value = source.read(lookup)
        except (KeyError, ExpressionError) as problem:
            raise _invalid(name, problem) from None
        if states:
            value = task_values.collapse(value, states)
        check(prop, value)
        if type(value) is datetime and value.tzinfo is None and prop.type in MOMENTS:
            value = in_site_zone(value)
        if name == keeps:
            value = scopes.keep_items(environment.frames, items, value)
        inputs[name] = value
    return inputs


def revealed(instruction: Instruction, inputs: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the properties as the block takes them, and whether what it makes of them is secret.

    Raises InvalidPropertyValueException for a block that shares values with others.

    A block with an effect gets plain texts. So does one that reads texts, but what it gives is
    secret again. A block that only passes values on, as those of lists do, gets secret ones.
    """
    secret = [prop for _, prop, _ in instruction.readers if has_secret(inputs.get(prop.name))]
    block = instruction.block
    if not secret:
        return inputs, False
    if block.shares_values:
        raise invalid_property(secret[0].name, "it holds a secret text, which others may not read.")
    if not instruction.has_effect and not block.reads_texts and all(map(passes_on, secret)):
        return inputs, False
    return {name: reveal(value) for name, value in inputs.items()}, not instruction.has_effect


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
