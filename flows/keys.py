"""The keys of dictionaries in memory. Pure.

Keys 1, 1.0, true and "1" are four keys, but Python has one place for 1, 1.0 and True in a dict. A
text or an Integer is a key as it is; a Boolean and a Number are kept in a `TypedKey`. Whatever puts
a value into a dict as a key calls `key_for`, and whatever takes one out calls `value_of`.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class TypedKey:
    """A key that Python would take for an Integer. NaN is the same as itself."""

    value: bool | float

    def __eq__(self, other: object) -> bool:
        if type(other) is not TypedKey or type(other.value) is not type(self.value):
            return False
        return self.value == other.value or (
            self.value != self.value and other.value != other.value
        )

    def __hash__(self) -> int:
        is_nan = math.isnan(self.value)
        return hash((type(self.value), None if is_nan else self.value))

    def __str__(self) -> str:
        return key_text(self)


def key_for(value: Any) -> Any:
    """Return what stands for a value among the keys of a dict."""
    return TypedKey(value) if type(value) is bool or type(value) is float else value


def value_of(key: Any) -> Any:
    """Return the value that a key of a dict stands for."""
    return key.value if type(key) is TypedKey else key


def key_text(key: Any) -> str:
    """Return a key as people read it: `1`, `1.0`, `true`, the text itself."""
    value = value_of(key)
    if type(value) is bool:
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def labels(
    dictionary: dict[Any, Any], text: Callable[[Any], str] = key_text
) -> Iterator[tuple[str, Any]]:
    """Yield each key with a text that no other one has: of keys with one text, those that are no
    texts are followed by their type, as in `1 (Integer)`."""
    if set(map(type, dictionary)) <= {str}:
        yield from zip(dictionary, dictionary, strict=True)
        return
    taken = {key for key in dictionary if type(key) is str}
    for key in dictionary:
        label = key if type(key) is str else _free(key, text(key), taken)
        taken.add(label)
        yield label, key


def _free(key: Any, label: str, taken: set[str]) -> str:
    if label in taken:
        label = f"{label} ({_KINDS.get(type(value_of(key)), type(key).__name__)})"
    while label in taken:
        label += " "
    return label


#: What people call the types that keys of other types may look like.
_KINDS: dict[type, str] = {int: "Integer", float: "Number", bool: "Boolean"}


def labelled(
    dictionary: dict[Any, Any], text: Callable[[Any], str] = key_text
) -> Iterator[tuple[str, Any]]:
    """Yield the items of a dict under the labels of their keys."""
    for label, key in labels(dictionary, text):
        yield label, dictionary[key]


def key_of_label(dictionary: dict[Any, Any], label: str) -> Any:
    """Return the key that a label stands for. Raises KeyError."""
    if label in dictionary:
        return label
    for found, key in labels(dictionary):
        if found == label:
            return key
    raise KeyError(label)
