"""The inputs of an execution from what has started it: values as people type them, and expressions
over the parts of a request or of an execution that has ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from executions.limits import WEBHOOK_BYTES
from flows import parsing, sandbox, value_sources
from flows.expressions import ExpressionError
from flows.graph import FlowGraph, VariableNode
from flows.value_sources import Composite, Source, WithVariables

#: Bytes of what the expressions give together.
_LARGEST = 4 * WEBHOOK_BYTES


class MappingProblem(ValueError):
    """An expression that could not be evaluated, or gives something else than is needed."""


@dataclass(slots=True)
class Mapped:
    """The values of inputs by name, and by name why others have none."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def map_inputs(graph: FlowGraph, sources: Mapping[str, str], given: Mapping[str, Any]) -> Mapped:
    """Return the inputs that the sources give of what is given, by the names of expressions."""
    mapped = Mapped()
    kinds = {variable.name.casefold(): variable for variable in graph.inputs}
    expressions: dict[str, Source] = {}
    for name, text in sources.items():
        variable = kinds.get(name.casefold())
        if variable is None:
            mapped.problems[name] = "The flow has no such input."
            continue
        try:
            if text.startswith("="):
                expressions[name] = value_sources.parse(text)
            else:
                mapped.values[name] = parsing.typed(variable.type, text)
        except (ExpressionError, parsing.ParseError) as problem:
            mapped.problems[name] = _told(variable, str(problem))
    try:
        # At once: each evaluation is a message to another process.
        mapped.values |= _evaluated(Composite(dict(expressions)), given)
    except (KeyError, MappingProblem):
        for name, source in expressions.items():
            _add(mapped, kinds[name.casefold()], name, source, given)
    return mapped


def _add(
    mapped: Mapped, variable: VariableNode, name: str, source: Source, given: Mapping[str, Any]
) -> None:
    try:
        mapped.values[name] = _evaluated(source, given)
    except MappingProblem as problem:
        mapped.problems[name] = _told(variable, str(problem))


def _told(variable: VariableNode, problem: str) -> str:
    # Of a secret, nothing is said that may repeat some of it.
    return "It cannot be read." if variable.is_secret else problem


def is_met(condition: str, given: Mapping[str, Any]) -> bool:
    """Return whether a condition is true; an empty one is. Raises MappingProblem."""
    if not condition.strip():
        return True
    found = evaluate(condition, given)
    if not isinstance(found, bool):
        raise MappingProblem("The condition gives neither true nor false.")
    return found


def evaluate(expression: str, given: Mapping[str, Any]) -> Any:
    """Return the value of an expression, with or without a `=` before it. Raises
    MappingProblem."""
    try:
        source = value_sources.parse(f"={expression.strip().removeprefix('=')}")
    except ExpressionError as problem:
        raise MappingProblem(str(problem)) from None
    return _evaluated(source, given)


def _evaluated(source: Source, given: Mapping[str, Any]) -> Any:
    """Evaluate a source within bounds. Raises MappingProblem."""
    known = {name: given[name.casefold()] for name in source.names if name.casefold() in given}
    try:
        return sandbox.evaluate(
            WithVariables(source, {k.casefold(): v for k, v in known.items()}), _LARGEST
        )
    except KeyError as missing:
        names = ", ".join(given)
        problem = f"There is no {missing.args[0]} here. An expression may read {names}."
        raise MappingProblem(problem) from None
    except (ExpressionError, ValueError, TypeError) as problem:
        raise MappingProblem(str(problem)) from None


def problems_of(
    graph: FlowGraph, sources: Mapping[str, str], names: Iterable[str]
) -> dict[str, str]:
    """Return what is wrong with sources before anything is given: expressions that do not compile,
    names that they may not read, values that are none of their type."""
    known, found = set(names), dict[str, str]()
    kinds = {variable.name: variable for variable in graph.inputs}
    for name, text in sources.items():
        try:
            if text.startswith("="):
                require_names(text, known)
            else:
                parsing.typed(kinds[name].type, text)
        except (ExpressionError, parsing.ParseError, MappingProblem) as problem:
            found[name] = _told(kinds[name], str(problem))
    return found


def require_names(expression: str, names: Iterable[str]) -> None:
    """Raise MappingProblem for an expression that does not compile, or reads another name."""
    known = set(names)
    try:
        source = value_sources.parse(f"={expression.strip().removeprefix('=')}")
    except ExpressionError as problem:
        raise MappingProblem(str(problem)) from None
    if unknown := sorted(name for name in source.names if name.casefold() not in known):
        told = ", ".join(sorted(known))
        raise MappingProblem(f"There is no {unknown[0]} here. An expression may read {told}.")
