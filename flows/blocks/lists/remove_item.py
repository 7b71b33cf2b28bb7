"""Removing items from a list."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flows.blocks.base import Property
from flows.blocks.collections import OCCURRENCE, VALUE, VALUES
from flows.blocks.lists.base import (
    CHANGED_LIST,
    COUNT,
    INDEX,
    INDEXES,
    All,
    AtIndex,
    AtIndexes,
    ChangesList,
    Chosen,
    First,
    FromBeginning,
    FromEnd,
    FromIndex,
    Last,
    WithValue,
    WithValueOnce,
    WithValues,
)
from flows.equality import key_of

_RANGE = (*ChangesList.throws, "PropertyValueOutOfRangeException")


class _Removes(Chosen, ChangesList):
    properties: ClassVar[tuple[Property, ...]] = (CHANGED_LIST,)

    def change(self, items: list[Any], inputs: Mapping[str, Any]) -> None:
        gone = set(self.indexes(items, inputs))
        items[:] = [item for index, item in enumerate(items) if index not in gone]


class RemoveAllItems(All, _Removes):
    """Empties a list."""

    type = "Lists/Remove All Items"


class RemoveDuplicateItems(ChangesList):
    """Removes the items that stood before in a list; the first of each value stays."""

    type = "Remove Duplicate Items"
    properties = (CHANGED_LIST,)

    def change(self, items: list[Any], inputs: Mapping[str, Any]) -> None:
        seen: set[Any] = set()
        kept = []
        for item in items:
            key = key_of(item)
            if key not in seen:
                seen.add(key)
                kept.append(item)
        items[:] = kept


class RemoveItemAtBeginning(First, _Removes):
    """Removes the first item of a list; an empty list stays as it is."""

    type = "Remove Item At Beginning"


class RemoveItemAtEnd(Last, _Removes):
    """Removes the last item of a list; an empty list stays as it is."""

    type = "Remove Item At End"


class RemoveItemAtIndex(AtIndex, _Removes):
    """Removes the item at an index of a list."""

    type = "Remove Item At Index"
    properties = (CHANGED_LIST, INDEX)
    throws = _RANGE


class RemoveItemWithValue(WithValueOnce, _Removes):
    """Removes one item with a value from a list; without one nothing happens."""

    type = "Lists/Remove Item With Value"
    properties = (CHANGED_LIST, VALUE, OCCURRENCE)


class RemoveItemsAtBeginning(FromBeginning, _Removes):
    """Removes the first items of a list."""

    type = "Remove Items At Beginning"
    properties = (CHANGED_LIST, COUNT)
    throws = _RANGE


class RemoveItemsAtEnd(FromEnd, _Removes):
    """Removes the last items of a list."""

    type = "Remove Items At End"
    properties = (CHANGED_LIST, COUNT)
    throws = _RANGE


class RemoveItemsAtIndex(FromIndex, _Removes):
    """Removes items of a list from an index on."""

    type = "Remove Items At Index"
    properties = (CHANGED_LIST, INDEX, COUNT)
    throws = _RANGE


class RemoveItemsAtIndexes(AtIndexes, _Removes):
    """Removes the items at some indexes of a list."""

    type = "Remove Items At Indexes"
    properties = (CHANGED_LIST, INDEXES)
    throws = (*_RANGE, "DuplicateValueException")


class RemoveItemsWithValue(WithValue, _Removes):
    """Removes every item with a value from a list."""

    type = "Lists/Remove Items With Value"
    properties = (CHANGED_LIST, VALUE)


class RemoveItemsWithValues(WithValues, _Removes):
    """Removes every item with one of some values from a list."""

    type = "Lists/Remove Items With Values"
    properties = (CHANGED_LIST, VALUES)
