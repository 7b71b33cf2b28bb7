"""The inputs of a start. Pure."""

from collections.abc import Mapping
from typing import Any

from flows.expressions import ExpressionError
from flows.graph import FlowGraph, Message, VariableNode
from flows.validation.message_text import did_you_mean
from flows.value_sources import Source, evaluate_constant
from flows.values import LEVELS, article, too_deep, type_name
from flows.variable_types import VARIABLE_TYPES


def check_inputs(graph: FlowGraph, given: Mapping[str, Any]) -> list[Message]:
    """What is wrong with the inputs of a start: name → value (semantics 25, 63).

    Inputs without a default must be given, nothing else may be, and a value that is not null has
    the variable's declared type, else the type of its default.
    """
    inputs = {variable.name.casefold(): variable for variable in graph.inputs}
    messages: list[Message] = []
    seen: set[str] = set()
    for name, value in given.items():
        variable = inputs.get(name.casefold())
        if variable is None:
            names = ", ".join(v.name for v in graph.inputs) or "none"
            summary = (
                f"This input does not exist{did_you_mean(name, (v.name for v in graph.inputs))}"
            )
            details = f"Its inputs: {names}."
        elif name.casefold() in seen:
            summary, details = "The input is given twice.", "Names are not case-sensitive."
        elif too_deep(value):
            summary = f"The value is nested deeper than {LEVELS} levels."
            details = "Give a value with fewer levels."
        elif expected := _refused(variable, value):
            summary = f"The value is {article(type_name(value))}, not {article(expected)}."
            details = f"Give {article(expected)}, or null."
        else:
            summary = ""
        seen.add(name.casefold())
        if summary:
            shown = variable.name if variable else name
            messages.append(Message(f"Input {shown}", summary, details, ("variables", shown)))
    for variable in graph.inputs:
        if not variable.has_default and variable.name.casefold() not in seen:
            messages.append(
                Message(
                    f"Input {variable.name}",
                    "The input is missing.",
                    "It has no default. Give it a value.",
                    ("variables", variable.name),
                )
            )
    return messages


def _refused(variable: VariableNode, value: Any) -> str:
    """The type that the value should have had, or "" when it fits."""
    if value is None:
        return ""
    expected = variable.type
    if not expected and variable.has_default:
        default = _evaluated(variable.default)
        expected = "" if default is None else type_name(default)
    accepted = VARIABLE_TYPES.get(expected, (expected,))
    return expected if expected and type_name(value) not in accepted else ""


def _evaluated(default: Source) -> Any:
    """A default's value, or None when it fails: that is thrown at start (semantics 22)."""
    try:
        return evaluate_constant(default)
    except (ExpressionError, KeyError):
        return None
