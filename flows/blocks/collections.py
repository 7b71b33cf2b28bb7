"""What the blocks of lists, dictionaries and queues have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flows.blocks.base import Direction, Property
from flows.blocks.errors import duplicate, invalid_property, item_count, out_of_range
from flows.equality import key_of
from flows.keys import value_of
from flows.values import SecretText, article, copy, type_name

ITEM = Property("Item", "TItem")
ITEMS = Property("Items", "IEnumerable<TItem>", required=True)
VALUE = Property("Value", "TItem")
VALUES = Property("Values", "IEnumerable<TItem>", required=True)
NEW_VALUE = Property("New Value", "TItem")
NEW_VALUES = Property("New Values", "IEnumerable<TItem>", required=True)
OCCURRENCE = Property(
    "Occurrence",
    "Int32",
    default=1,
    description="1 is the first with that value, -1 the last; where there is none nothing happens",
)
KEY_OCCURRENCE = replace(
    OCCURRENCE,
    description="1 or -1, as a key occurs once; any other throws",
)
COUNT_OUT = Property("Count", "Int32", Direction.OUTPUT)
COUNTS_OUT = Property("Counts", "IList<Int32>", Direction.OUTPUT)
CONTAINS_ITEM = Property("Contains Item", "Boolean", Direction.OUTPUT)
CONTAINS_ITEMS = Property("Contains Items", "Boolean", Direction.OUTPUT)
ITEM_OUT = Property("Item", "TItem", Direction.OUTPUT)
ITEMS_OUT = Property("Items", "IList<TItem>", Direction.OUTPUT)


def items_of(value: Any) -> list[Any]:
    """Return the items of anything that can be gone through: those of a list, the characters of a
    text, which are secret as the text is, or {Key, Value} of a structure."""
    if isinstance(value, dict):
        return [{"Key": value_of(key), "Value": item} for key, item in value.items()]
    if isinstance(value, SecretText):
        return [SecretText(character) for character in value.text]
    return list(value)


def copies(value: Any) -> list[Any]:
    """Return copies of the items of anything that can be gone through: variables own their
    values."""
    return [copy(item) for item in items_of(value)]


def texts_of(name: str, items: list[Any]) -> list[str | None]:
    """Return the items of the property of that name, which are texts or null. Raises
    InvalidPropertyValueException."""
    for item in items:
        if item is not None and not isinstance(item, str):
            raise invalid_property(name, f"it holds {article(type_name(item))}, not a Text.")
    return items


def counts(items: Sequence[Any], values: Any) -> list[int]:
    """Return how often each of the values stands among the items."""
    keys = [key_of(item) for item in items]
    return [keys.count(key_of(value)) for value in items_of(values)]


def contains_all(items: Sequence[Any], values: Any) -> bool:
    """Return whether every value stands among the items; no values are not contained
    (semantics 114)."""
    wanted = items_of(values)
    keys = {key_of(item) for item in items}
    return bool(wanted) and all(key_of(value) in keys for value in wanted)


def replacements(inputs: Mapping[str, Any], name: str = "Values") -> dict[Any, Any]:
    """Return the new value for each key of an old one. Raises PropertyItemCountException and
    DuplicateValueException."""
    old, new = items_of(inputs[name]), items_of(inputs["New Values"])
    if len(old) != len(new) or not old:
        raise item_count(name, len(old), "New Values", len(new))
    found: dict[Any, Any] = {}
    for value, replacement in zip(old, new, strict=True):
        if key_of(value) in found:
            raise duplicate(name, value)
        found[key_of(value)] = replacement
    return found


def index_within(index: int, last: int, name: str = "Index") -> int:
    """Return an index that lies from 0 to `last`. Raises PropertyValueOutOfRangeException."""
    if not 0 <= index <= last:
        raise out_of_range(name, index, f"from 0 to {last}" if last >= 0 else "inside of the list")
    return index


def count_within(count: int, available: int) -> int:
    """Return how many items a Count asks for; a negative one asks for all. Raises
    PropertyValueOutOfRangeException."""
    if count > available:
        raise out_of_range("Count", count, f"at most {available}, as many as there are")
    return available if count < 0 else count
