"""Counting, finding and getting the items of a list."""

from typing import Any, ClassVar

from flows.blocks.base import Direction, Leave, Property, Visit
from flows.blocks.collections import (
    CONTAINS_ITEM,
    CONTAINS_ITEMS,
    COUNT_OUT,
    COUNTS_OUT,
    ITEM_OUT,
    ITEMS_OUT,
    OCCURRENCE,
    VALUE,
    VALUES,
    contains_all,
    counts,
)
from flows.blocks.lists.base import (
    ALL,
    INDEX,
    INDEXES,
    LIST,
    AtIndex,
    AtIndexes,
    Chosen,
    First,
    FromBeginning,
    FromEnd,
    FromIndex,
    Last,
    ListBlock,
)
from flows.equality import occurrence, places


class GetCountOfAllItems(ListBlock):
    """Tells how many items a list has."""

    type = "Lists/Get Count Of All Items"
    properties = (LIST, COUNT_OUT)

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Count": len(visit.inputs["List"])})


class GetCountOfItemsWithValue(ListBlock):
    """Tells how many items of a list have a value."""

    type = "Lists/Get Count Of Items With Value"
    properties = (LIST, VALUE, COUNT_OUT)

    def run(self, visit: Visit) -> Leave:
        found = places(visit.inputs["List"], visit.inputs["Value"])
        return Leave(outputs={"Count": len(found)})


class GetCountsOfItemsWithValues(ListBlock):
    """Tells for each of some values how many items of a list have it."""

    type = "Lists/Get Counts Of Items With Values"
    properties = (LIST, VALUES, COUNTS_OUT)

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Counts": counts(visit.inputs["List"], visit.inputs["Values"])})


class ContainsItemWithValue(ListBlock):
    """Tells whether an item of a list has a value."""

    type = "Lists/Contains Item With Value"
    properties = (LIST, VALUE, CONTAINS_ITEM)

    def run(self, visit: Visit) -> Leave:
        found = places(visit.inputs["List"], visit.inputs["Value"])
        return Leave(outputs={"Contains Item": bool(found)})


class ContainsItemsWithValues(ListBlock):
    """Tells whether a list has an item with each of some values. No values are not contained
    (semantics 114)."""

    type = "Lists/Contains Items With Values"
    properties = (LIST, VALUES, CONTAINS_ITEMS)

    def run(self, visit: Visit) -> Leave:
        found = contains_all(visit.inputs["List"], visit.inputs["Values"])
        return Leave(outputs={"Contains Items": found})


class GetIndexOfItemWithValue(ListBlock):
    """Tells where an item with a value stands; -1 where there is none of that occurrence
    (semantics 113)."""

    type = "Get Index Of Item With Value"
    properties = (LIST, VALUE, OCCURRENCE, Property("Index", "Int32", Direction.OUTPUT))

    def run(self, visit: Visit) -> Leave:
        found = places(visit.inputs["List"], visit.inputs["Value"])
        index = occurrence(found, visit.inputs["Occurrence"])
        return Leave(outputs={"Index": -1 if index is None else index})


class GetIndexesOfItemsWithValue(ListBlock):
    """Tells where the items with a value stand; [-1] where there is none (semantics 114)."""

    type = "Get Indexes Of Items With Value"
    properties = (LIST, VALUE, Property("Indexes", "IList<Int32>", Direction.OUTPUT))

    def run(self, visit: Visit) -> Leave:
        found = places(visit.inputs["List"], visit.inputs["Value"])
        return Leave(outputs={"Indexes": found or [-1]})


class _GetsOne(Chosen, ListBlock):
    properties: ClassVar[tuple[Property, ...]] = (LIST, ITEM_OUT)

    def run(self, visit: Visit) -> Leave:
        items = visit.inputs["List"]
        (index,) = self.indexes(items, visit.inputs)
        return Leave(outputs={"Item": items[index]})


class _GetsMany(Chosen, ListBlock):
    throws: ClassVar[tuple[str, ...]] = ("PropertyValueOutOfRangeException",)

    def run(self, visit: Visit) -> Leave:
        items = visit.inputs["List"]
        found: list[Any] = [items[index] for index in self.indexes(items, visit.inputs)]
        return Leave(outputs={"Items": found})


_FULL_LIST = Property("List", "IList<TItem>", required=True, nonempty=True)


class GetItemAtBeginning(First, _GetsOne):
    """Gets the first item of a list."""

    type = "Get Item At Beginning"
    properties = (_FULL_LIST, ITEM_OUT)


class GetItemAtEnd(Last, _GetsOne):
    """Gets the last item of a list."""

    type = "Get Item At End"
    properties = (_FULL_LIST, ITEM_OUT)


class GetItemAtIndex(AtIndex, _GetsOne):
    """Gets the item at an index of a list."""

    type = "Get Item At Index"
    properties = (LIST, INDEX, ITEM_OUT)
    throws = ("PropertyValueOutOfRangeException",)


class GetItemsAtBeginning(FromBeginning, _GetsMany):
    """Gets the first items of a list."""

    type = "Get Items At Beginning"
    properties = (LIST, ALL, ITEMS_OUT)


class GetItemsAtEnd(FromEnd, _GetsMany):
    """Gets the last items of a list, in their order."""

    type = "Get Items At End"
    properties = (LIST, ALL, ITEMS_OUT)


class GetItemsAtIndex(FromIndex, _GetsMany):
    """Gets items of a list from an index on."""

    type = "Get Items At Index"
    properties = (LIST, INDEX, ALL, ITEMS_OUT)


class GetItemsAtIndexes(AtIndexes, _GetsMany):
    """Gets the items at some indexes of a list, in the order of the indexes."""

    type = "Get Items At Indexes"
    properties = (LIST, INDEXES, ITEMS_OUT)
    throws = ("DuplicateValueException", "PropertyValueOutOfRangeException")
