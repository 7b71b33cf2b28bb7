"""Values of variables as values of the language, and back.

The keys of its maps are texts, Integers and Booleans. A key of another type, and one of a
dictionary in which two keys would meet in Python (1, 1.0 and true), is a text there that begins
with `MARK`; `whole[key]` finds it all the same (`Expression`).
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from google.protobuf import duration_pb2, timestamp_pb2

from flows.expressions.errors import ExpressionError, TaskStateNeeded
from flows.keys import key_for, value_of
from flows.site_zone import in_site_zone
from flows.values import ExceptionValue, TaskValue, article, decode, encode

#: Begins the text that stands for a key which the language does not have.
MARK = "\ue0f1key:"
_TEXTS = {str}
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
        stamp.FromDatetime(in_site_zone(value))
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


def _keys(value: dict[Any, Any]) -> Iterable[Any]:
    """The keys of a dictionary as the language takes them."""
    if set(map(type, value)) <= _TEXTS:
        return value
    plain = [value_of(key) for key in value]
    met = Counter(plain)
    return [
        one
        if type(one) is str or (type(one) in (int, bool) and met[one] == 1)
        else MARK + json.dumps(encode(one))
        for one in plain
    ]


def has_marks(value: Any) -> bool:
    """Return whether a structure in a value has keys that the language does not have."""
    if type(value) is dict:
        if not set(map(type, value)) <= _TEXTS and any(type(key) is str for key in _marked(value)):
            return True
        return any(map(has_marks, value.values()))
    return type(value) is list and any(map(has_marks, value))


def _marked(value: dict[Any, Any]) -> Iterable[Any]:
    return (new for key, new in zip(value, _keys(value), strict=True) if type(key) is not str)


def are_plain(keys: Collection[Any]) -> bool:
    """Return whether all keys of a map are texts that stand for themselves."""
    return set(map(type, keys)) <= _TEXTS and MARK not in "".join(keys)


def from_cel_keys(value: dict[Any, Any]) -> dict[Any, Any]:
    """Return the items of a map under the keys that variables have."""
    return {_key(key): item for key, item in value.items()}


def _key(key: Any) -> Any:
    return key_for(unmarked(key) if type(key) is str else key)


def unmarked(text: str) -> Any:
    """The key that a text stands for, or the text."""
    return decode(json.loads(text.removeprefix(MARK))) if text.startswith(MARK) else text


def unmarked_deep(value: Any) -> Any:
    """A value in which the keys that an expression gives as values are what they stand for."""
    match value:
        case str():
            return unmarked(value)
        case list():
            return [unmarked_deep(item) for item in value]
        case dict():
            return {key: unmarked_deep(item) for key, item in value.items()}
    return value


_CONVERT: dict[type, Callable[[Any], Any]] = {
    list: lambda value: [to_cel_deep(item) for item in value],
    dict: lambda value: {
        key: item if type(item) in SCALARS else to_cel_deep(item)
        for key, item in zip(_keys(value), value.values(), strict=True)
    },
    datetime: _timestamp,
    timedelta: _duration,
    ExceptionValue: lambda value: to_cel_deep(value.as_structure()),
    TaskValue: _task,
}


def from_cel(value: Any) -> Any:
    """Return a value of the language as one of variables, but for the keys of its structures, which
    `KeyOrder.sorted` converts. Raises ExpressionError."""
    kind = type(value)
    if kind in SCALARS or kind is datetime or kind is timedelta:
        return value
    if kind is list:
        return [from_cel(item) for item in value]
    if kind is dict:
        return {
            key: item if type(item) in SCALARS else from_cel(item) for key, item in value.items()
        }
    if kind is bytearray or kind is bytes:
        return bytes(value)
    raise ExpressionError(
        f"The expression gives {article(kind.__name__)}, which variables cannot hold."
    )
