"""The inputs of a schedule: values, and expressions that each start evaluates anew."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from executions.models import Schedule
from flows import sandbox, value_sources
from flows.expressions import ExpressionError
from flows.graph import Message
from flows.value_sources import Literal, Source, WithVariables

#: What the expressions of a schedule may read.
NAMES = {
    "now": "when it starts",
    "due": "the time of the schedule that it starts for",
    "last": "the time before that, or null the first time",
    "schedule": "the name of the schedule",
}
#: Bytes of a value that an expression may give.
_LARGEST = 1_000_000


class InvalidInputs(ValueError):
    """Inputs that could not be evaluated, as messages."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__("; ".join(f"{one.location}: {one.summary}" for one in messages))
        self.messages = messages


def evaluate(schedule: Schedule, now: datetime, due: datetime) -> dict[str, Any]:
    """Return the values of the inputs for one start, by name. Raises InvalidInputs."""
    names = {"now": now, "due": due, "last": schedule.last_at, "schedule": schedule.name}
    return evaluate_sources({**schedule.inputs, **(schedule.secret_inputs or {})}, names)


def evaluate_sources(sources: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of sources. Raises InvalidInputs."""
    found: dict[str, Any] = {}
    messages: list[Message] = []
    for name, raw in sources.items():
        try:
            found[name] = _value(value_sources.parse(raw), names)
        except KeyError as missing:
            known = ", ".join(NAMES)
            problem = f"There is no {missing.args[0]} here. An expression may read {known}."
            messages.append(_message(name, problem))
        except (ExpressionError, TypeError, ValueError) as error:
            messages.append(_message(name, f"It cannot be evaluated: {error}"))
    if messages:
        raise InvalidInputs(messages)
    return found


def _value(source: Source, names: Mapping[str, Any]) -> Any:
    if isinstance(source, Literal):
        return value_sources.evaluate_constant_here(source)
    # Of its variables only those that it reads, so that the cache of the sandbox can serve others.
    given = {name: names[name.casefold()] for name in source.names if name.casefold() in names}
    return sandbox.evaluate(WithVariables(source, given), _LARGEST)


def _message(name: str, problem: str) -> Message:
    return Message(f"Input {name}", problem, "", ("variables", name))
