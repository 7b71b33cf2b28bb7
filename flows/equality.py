"""When two values are the same: deeply, and by type. Pure.

`true`, `1`, `1.0` and `"1"` are four values. Structures are the same whatever the order of their
keys, date times when they are the same instant, and NaN is the same as itself (semantics 112).
"""

import math
from collections.abc import Hashable, Iterable
from datetime import datetime
from typing import Any

from flows.values import ExceptionValue, TaskValue


def key_of(value: Any) -> Hashable:
    """Return what two values have in common exactly when they are the same."""
    kind = type(value)
    if kind is list:
        return list, tuple(map(key_of, value))
    if kind is dict:
        return dict, frozenset((key_of(key), key_of(item)) for key, item in value.items())
    if kind is float and math.isnan(value):
        return float, "NaN"
    if kind is datetime:
        return datetime, value.tzinfo is None, value
    if kind is ExceptionValue:
        return ExceptionValue, key_of(value.as_structure())
    if kind is TaskValue:
        return TaskValue, value.execution_id
    return kind, value


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same."""
    return type(one) is type(other) and key_of(one) == key_of(other)


def places(items: Iterable[Any], value: Any) -> list[int]:
    """Return the indexes of the items that are the same as a value."""
    wanted = key_of(value)
    return [index for index, item in enumerate(items) if key_of(item) == wanted]


def occurrence(found: list[Any], number: int) -> Any:
    """Return the nth of what was found: 1 is the first, -1 the last; None where there is none, as
    for 0 (semantics 113)."""
    if not number or abs(number) > len(found):
        return None
    return found[number - 1 if number > 0 else number]
