"""Adding items to a list."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flows.blocks.base import Property
from flows.blocks.collections import ITEM, ITEMS, copies, index_within
from flows.blocks.lists.base import CHANGED_LIST, INDEX, ChangesList
from flows.values import copy


class _AddsOne(ChangesList):
    """Adds an item, which may be another variable's, so it is copied."""

    properties: ClassVar[tuple[Property, ...]] = (CHANGED_LIST, ITEM)

    def change(self, items: list[Any], inputs: Mapping[str, Any]) -> None:
        items.insert(self.place(items, inputs), copy(inputs["Item"]))

    def place(self, items: list[Any], inputs: Mapping[str, Any]) -> int:
        return len(items)


class _AddsMany(ChangesList):
    properties: ClassVar[tuple[Property, ...]] = (CHANGED_LIST, ITEMS)

    def change(self, items: list[Any], inputs: Mapping[str, Any]) -> None:
        at = self.place(items, inputs)
        items[at:at] = copies(inputs["Items"])

    def place(self, items: list[Any], inputs: Mapping[str, Any]) -> int:
        return len(items)


class _AtBeginning:
    def place(self, items: list[Any], inputs: Mapping[str, Any]) -> int:
        return 0


class _AtIndex:
    def place(self, items: list[Any], inputs: Mapping[str, Any]) -> int:
        return index_within(inputs["Index"], len(items))


class AddItemAtBeginning(_AtBeginning, _AddsOne):
    """Adds an item in front of the first one of a list."""

    type = "Add Item At Beginning"


class AddItemAtEnd(_AddsOne):
    """Adds an item to the end of a list, which is a variable."""

    type = "Add Item At End"


class AddItemAtIndex(_AtIndex, _AddsOne):
    """Adds an item in front of the one at an index; the length of the list is its end."""

    type = "Add Item At Index"
    properties = (CHANGED_LIST, ITEM, INDEX)
    throws = (*ChangesList.throws, "PropertyValueOutOfRangeException")


class AddItemsAtBeginning(_AtBeginning, _AddsMany):
    """Adds items in front of the first one of a list, in their order."""

    type = "Add Items At Beginning"


class AddItemsAtEnd(_AddsMany):
    """Adds items to the end of a list, in their order."""

    type = "Add Items At End"


class AddItemsAtIndex(_AtIndex, _AddsMany):
    """Adds items in front of the one at an index, in their order."""

    type = "Add Items At Index"
    properties = (CHANGED_LIST, ITEMS, INDEX)
    throws = (*ChangesList.throws, "PropertyValueOutOfRangeException")
