"""Values of variables as values of the language, and back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from google.protobuf import duration_pb2, timestamp_pb2

from flows.expressions.errors import ExpressionError, TaskStateNeeded
from flows.values import ExceptionValue, TaskValue, article

SCALARS = frozenset({type(None), bool, int, float, str})
HALF = "it reads a text with half of a character (a lone surrogate), which expressions cannot hold."


def to_cel(value: Any) -> Any:
    if type(value) is str:
        if "\0" in value:
            # The library would end the text there.
            raise ExpressionError("it reads a text with a NUL, which expressions cannot hold.")
        return value
    if isinstance(value, datetime | timedelta | ExceptionValue | TaskValue):
        return to_cel_deep(value)
    return value


def to_cel_deep(value: Any) -> Any:
    if type(value) in SCALARS:
        return value
    convert: Callable[[Any], Any] | None = _CONVERT.get(type(value))
    return convert(value) if convert else value


def _timestamp(value: datetime) -> Any:
    stamp = timestamp_pb2.Timestamp()
    try:
        stamp.FromDatetime(value)
    except (OverflowError, ValueError):
        problem = "in UTC it is before the year 1 or after the year 9999."
        raise ExpressionError(f"it cannot read {value.isoformat()}: {problem}") from None
    return stamp


def _duration(value: timedelta) -> Any:
    duration = duration_pb2.Duration()
    duration.FromTimedelta(value)
    return duration


def _task(value: TaskValue) -> Any:
    raise TaskStateNeeded((value.execution_id,))


_CONVERT: dict[type, Callable[[Any], Any]] = {
    list: lambda value: [to_cel_deep(item) for item in value],
    dict: lambda value: {key: to_cel_deep(item) for key, item in value.items()},
    datetime: _timestamp,
    timedelta: _duration,
    ExceptionValue: lambda value: to_cel_deep(value.as_structure()),
    TaskValue: _task,
}


def from_cel(value: Any) -> Any:
    kind = type(value)
    if kind in SCALARS or kind is datetime or kind is timedelta:
        return value
    if kind is list:
        return [from_cel(item) for item in value]
    if kind is dict:
        return {key: from_cel(item) for key, item in value.items()}
    if kind is bytearray or kind is bytes:
        return bytes(value)
    raise ExpressionError(
        f"The expression gives {article(kind.__name__)}, which variables cannot hold."
    )
