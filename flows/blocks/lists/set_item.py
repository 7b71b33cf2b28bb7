"""Giving items of a list another value."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flows.blocks.base import Direction, Property
from flows.blocks.collections import (
    NEW_VALUE,
    NEW_VALUES,
    OCCURRENCE,
    VALUE,
    VALUES,
    copies,
    index_within,
    replacements,
)
from flows.blocks.errors import item_count, out_of_range
from flows.blocks.lists.base import (
    CHANGED_LIST,
    INDEX,
    INDEXES,
    All,
    AtIndex,
    AtIndexes,
    ChangesList,
    Chosen,
    First,
    Last,
    WithValue,
    WithValueOnce,
)
from flows.equality import key_of
from flows.values import copy

_FULL_LIST = Property("List", "IList<TItem>", Direction.BOTH, required=True, nonempty=True)
_FULL_VALUES = Property("New Values", "IEnumerable<TItem>", required=True, nonempty=True)
_RANGE = (*ChangesList.throws, "PropertyValueOutOfRangeException")


class _SetsOneValue(Chosen, ChangesList):
    def change(self, items: list[Any], inputs: Mapping[str, Any]) -> None:
        for index in self.indexes(items, inputs):
            items[index] = copy(inputs["New Value"])


class SetAllItems(All, _SetsOneValue):
    """Gives every item of a list the same value."""

    type = "Lists/Set All Items"
    properties = (CHANGED_LIST, NEW_VALUE)


class SetItemAtBeginning(First, _SetsOneValue):
    """Gives the first item of a list another value."""

    type = "Set Item At Beginning"
    properties = (_FULL_LIST, NEW_VALUE)


class SetItemAtEnd(Last, _SetsOneValue):
    """Gives the last item of a list another value."""

    type = "Set Item At End"
    properties = (_FULL_LIST, NEW_VALUE)


class SetItemAtIndex(AtIndex, _SetsOneValue):
    """Gives the item at an index of a list another value."""

    type = "Set Item At Index"
    properties = (CHANGED_LIST, NEW_VALUE, INDEX)
    throws = _RANGE


class SetItemWithValue(WithValueOnce, _SetsOneValue):
    """Gives one item with a value another one; without such an item nothing happens."""

    type = "Lists/Set Item With Value"
    properties = (CHANGED_LIST, VALUE, NEW_VALUE, OCCURRENCE)


class SetItemsWithValue(WithValue, _SetsOneValue):
    """Gives every item with a value another one."""

    type = "Lists/Set Items With Value"
    properties = (CHANGED_LIST, VALUE, NEW_VALUE)


class SetItemsWithValues(ChangesList):
    """Gives every item with one of some values the new value at the same place."""

    type = "Lists/Set Items With Values"
    properties = (CHANGED_LIST, VALUES, NEW_VALUES)
    throws = (*ChangesList.throws, "DuplicateValueException", "PropertyItemCountException")

    def change(self, items: list[Any], inputs: Mapping[str, Any]) -> None:
        new = replacements(inputs)
        items[:] = [copy(new[key_of(item)]) if key_of(item) in new else item for item in items]


class _SetsRange(ChangesList):
    """Gives the items of a range the new values, one each; without new values nothing happens."""

    properties: ClassVar[tuple[Property, ...]] = (_FULL_LIST, NEW_VALUES)

    def change(self, items: list[Any], inputs: Mapping[str, Any]) -> None:
        new = copies(inputs["New Values"])
        start = self.start(len(items), len(new), inputs)
        if start < 0 or start + len(new) > len(items):
            raise out_of_range("New Values", len(new), f"at most {len(items)} items here")
        items[start : start + len(new)] = new

    def start(self, items: int, new: int, inputs: Mapping[str, Any]) -> int:
        return 0


class SetItemsAtBeginning(_SetsRange):
    """Gives the first items of a list other values."""

    type = "Set Items At Beginning"
    throws = _RANGE


class SetItemsAtEnd(_SetsRange):
    """Gives the last items of a list other values."""

    type = "Set Items At End"
    throws = _RANGE

    def start(self, items: int, new: int, inputs: Mapping[str, Any]) -> int:
        return items - new


class SetItemsAtIndex(_SetsRange):
    """Gives the items from an index on other values."""

    type = "Set Items At Index"
    properties = (CHANGED_LIST, _FULL_VALUES, INDEX)
    throws = _RANGE

    def start(self, items: int, new: int, inputs: Mapping[str, Any]) -> int:
        return index_within(inputs["Index"], items - 1)


class SetItemsAtIndexes(AtIndexes, ChangesList):
    """Gives the items at some indexes of a list other values, in the order of the indexes."""

    type = "Set Items At Indexes"
    properties = (CHANGED_LIST, NEW_VALUES, INDEXES)
    throws = (*_RANGE, "DuplicateValueException", "PropertyItemCountException")

    def change(self, items: list[Any], inputs: Mapping[str, Any]) -> None:
        new, indexes = copies(inputs["New Values"]), list(self.indexes(items, inputs))
        if len(new) != len(indexes):
            raise item_count("Indexes", len(indexes), "New Values", len(new))
        for index, value in zip(indexes, new, strict=True):
            items[index] = value
