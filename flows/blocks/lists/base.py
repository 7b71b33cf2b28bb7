"""What the blocks of lists share: which items of the list a block is about, and what it does.

A block that changes its list saves it back to the variable, which owns it (semantics 29).
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.blocks.collections import count_within, index_within, items_of
from flows.blocks.errors import duplicate, out_of_range
from flows.equality import key_of, occurrence, places

LIST = Property("List", "IList<TItem>", required=True)
CHANGED_LIST = Property("List", "IList<TItem>", Direction.BOTH, required=True)
INDEX = Property("Index", "Int32", default=0)
INDEXES = Property("Indexes", "IEnumerable<Int32>", default=[], required=True)
COUNT = Property("Count", "Int32", default=0, description="a negative count means all of them")
ALL = Property("Count", "Int32", default=-1, description="a negative count means all of them")


class ListBlock(Block):
    """A block that reads a list."""

    palette = "Lists"
    icon = "queue"


class ChangesList(ListBlock):
    """A block that changes a list, which is a variable."""

    throws: ClassVar[tuple[str, ...]] = ("CannotModifyReadOnlyListException",)

    def run(self, visit: Visit) -> Leave:
        items = visit.inputs["List"]
        self.change(items, visit.inputs)
        return Leave(outputs={"List": items})

    def change(self, items: list[Any], inputs: Mapping[str, Any]) -> None:
        """Change the list."""
        raise NotImplementedError(self.type)


# Which items -------------------------------------------------------------------------------------


class Chosen:
    """Which items of a list a block is about."""

    def indexes(self, items: list[Any], inputs: Mapping[str, Any]) -> Iterable[int]:
        """Return the indexes of those items."""
        raise NotImplementedError


class All(Chosen):
    """Every item."""

    def indexes(self, items: list[Any], inputs: Mapping[str, Any]) -> Iterable[int]:
        return range(len(items))


class First(Chosen):
    """The first item; none of an empty list."""

    def indexes(self, items: list[Any], inputs: Mapping[str, Any]) -> Iterable[int]:
        return range(min(1, len(items)))


class Last(Chosen):
    """The last item; none of an empty list."""

    def indexes(self, items: list[Any], inputs: Mapping[str, Any]) -> Iterable[int]:
        return range(max(0, len(items) - 1), len(items))


class AtIndex(Chosen):
    """The item at an index, which has to be there."""

    def indexes(self, items: list[Any], inputs: Mapping[str, Any]) -> Iterable[int]:
        return (index_within(inputs["Index"], len(items) - 1),)


class AtIndexes(Chosen):
    """The items at indexes, each of which has to be there, once; no indexes are out of range."""

    def indexes(self, items: list[Any], inputs: Mapping[str, Any]) -> Iterable[int]:
        if not inputs["Indexes"]:
            raise out_of_range("Indexes", [], "at least one index")
        found: list[int] = []
        for index in inputs["Indexes"]:
            if index in found:
                raise duplicate("Indexes", index)
            found.append(index_within(index, len(items) - 1, "Indexes"))
        return found


class FromBeginning(Chosen):
    """As many items as wanted, from the first on."""

    def indexes(self, items: list[Any], inputs: Mapping[str, Any]) -> Iterable[int]:
        return range(count_within(inputs["Count"], len(items)))


class FromEnd(Chosen):
    """As many items as wanted, up to the last."""

    def indexes(self, items: list[Any], inputs: Mapping[str, Any]) -> Iterable[int]:
        return range(len(items) - count_within(inputs["Count"], len(items)), len(items))


class FromIndex(Chosen):
    """As many items as wanted, from an index on."""

    def indexes(self, items: list[Any], inputs: Mapping[str, Any]) -> Iterable[int]:
        start = index_within(inputs["Index"], len(items) - 1)
        return range(start, start + count_within(inputs["Count"], len(items) - start))


class WithValue(Chosen):
    """The items with a value."""

    def indexes(self, items: list[Any], inputs: Mapping[str, Any]) -> Iterable[int]:
        return places(items, inputs["Value"])


class WithValueOnce(Chosen):
    """Of the items with a value, the one of that occurrence (semantics 113)."""

    def indexes(self, items: list[Any], inputs: Mapping[str, Any]) -> Iterable[int]:
        found = occurrence(places(items, inputs["Value"]), inputs["Occurrence"])
        return () if found is None else (found,)


class WithValues(Chosen):
    """The items with one of some values."""

    def indexes(self, items: list[Any], inputs: Mapping[str, Any]) -> Iterable[int]:
        wanted = {key_of(value) for value in items_of(inputs["Values"])}
        return [index for index, item in enumerate(items) if key_of(item) in wanted]
