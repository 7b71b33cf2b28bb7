"""Queues with priorities: {Items: [{Item, Priority}], PriorityComparer}.

Items stand by their priority, the least first; items of equal priority stand in the order in which
they came (semantics 111).
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.blocks.collections import COUNT_OUT, ITEM_OUT, ITEMS_OUT, copies, count_within
from flows.blocks.errors import exception, invalid_property, property_empty
from flows.blocks.string_comparison import comparable
from flows.values import article, copy, type_name

_TYPE = "QueueWithPriority<TItem, TPriority>"
QUEUE = Property("Queue", _TYPE, required=True)
CHANGED_QUEUE = Property("Queue", _TYPE, Direction.BOTH, required=True)

Queue = dict[str, Any]


class QueueBlock(Block):
    """A block that reads a queue."""

    palette = "Queues"
    icon = "queue"

    def items(self, inputs: Mapping[str, Any]) -> list[Any]:
        """Return the entries of the queue. Raises InvalidPropertyValueException for a structure
        that is no queue."""
        entries = inputs["Queue"].get("Items")
        if not isinstance(entries, list) or not all(
            isinstance(entry, dict) and {"Item", "Priority"} <= set(entry) for entry in entries
        ):
            raise invalid_property("Queue", "it is not a queue: {Items: [{Item, Priority}]}.")
        return entries


def _order(queue: Queue) -> Callable[[Any], Any]:
    """What priorities are compared by. Texts take the queue's comparer."""
    comparer = queue.get("PriorityComparer")
    if comparer is None:
        raise exception("ArgumentNullException", "The queue has no PriorityComparer.")
    ignores_case = isinstance(comparer, dict) and comparer.get("_ignoreCase")
    comparison = "OrdinalIgnoreCase" if ignores_case else "Ordinal"

    def order(priority: Any) -> Any:
        """Null stands in front of every text."""
        if isinstance(priority, str):
            return True, comparable(priority, comparison)
        return (False, "") if priority is None else priority

    return order


class _Enqueues(QueueBlock):
    def run(self, visit: Visit) -> Leave:
        queue, priority = visit.inputs["Queue"], visit.inputs["Priority"]
        entries, order = self.items(visit.inputs), _order(queue)
        added = [{"Item": item, "Priority": copy(priority)} for item in self.added(visit.inputs)]
        try:
            at = bisect_right(entries, order(priority), key=lambda entry: order(entry["Priority"]))
        except TypeError:
            told = f"{article(type_name(priority))} cannot be compared with the other priorities."
            if priority is None:
                raise invalid_property("Priority", told) from None
            raise exception("ArgumentException", f"'Priority' is not valid: {told}") from None
        entries[at:at] = added
        return Leave(outputs={"Queue": queue})

    def added(self, inputs: Mapping[str, Any]) -> list[Any]:
        return copies(inputs["Items"])


class EnqueueItem(_Enqueues):
    """Adds an item to a queue, behind those of the same and of lower priorities."""

    type = "Enqueue Item"
    properties = (CHANGED_QUEUE, Property("Item", "TItem"), Property("Priority", "TPriority"))
    throws = ("ArgumentException", "ArgumentNullException")

    def added(self, inputs: Mapping[str, Any]) -> list[Any]:
        return [copy(inputs["Item"])]


class EnqueueItems(_Enqueues):
    """Adds items to a queue, all with the same priority, in their order."""

    type = "Enqueue Items"
    properties = (
        CHANGED_QUEUE,
        Property("Items", "IEnumerable<TItem>", required=True),
        Property("Priority", "TPriority"),
    )
    throws = ("ArgumentException", "ArgumentNullException")


class DequeueItem(QueueBlock):
    """Takes the first item out of a queue."""

    type = "Dequeue Item"
    properties = (CHANGED_QUEUE, ITEM_OUT)
    throws = ("PropertyEmptyException",)

    def run(self, visit: Visit) -> Leave:
        entries = self.items(visit.inputs)
        if not entries:
            raise property_empty("Queue")
        return Leave(outputs={"Item": entries.pop(0)["Item"], "Queue": visit.inputs["Queue"]})


class DequeueItems(QueueBlock):
    """Takes the first items out of a queue; a negative count takes all."""

    type = "Dequeue Items"
    properties = (CHANGED_QUEUE, Property("Count", "Int32"), ITEMS_OUT)
    throws = ("PropertyEmptyException", "PropertyValueOutOfRangeException")

    def run(self, visit: Visit) -> Leave:
        entries = self.items(visit.inputs)
        if not entries:
            raise property_empty("Queue")
        count = count_within(visit.inputs["Count"], len(entries))
        taken = [entry["Item"] for entry in entries[:count]]
        del entries[:count]
        return Leave(outputs={"Items": taken, "Queue": visit.inputs["Queue"]})


class PeekItem(QueueBlock):
    """Gets the first item of a queue, which stays in it."""

    type = "Peek Item"
    properties = (QUEUE, ITEM_OUT)
    throws = ("PropertyEmptyException",)

    def run(self, visit: Visit) -> Leave:
        entries = self.items(visit.inputs)
        if not entries:
            raise property_empty("Queue")
        return Leave(outputs={"Item": entries[0]["Item"]})


class GetCountOfAllItems(QueueBlock):
    """Tells how many items a queue has."""

    type = "Queues/Get Count Of All Items"
    properties = (QUEUE, COUNT_OUT)

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Count": len(self.items(visit.inputs))})


class RemoveAllItems(QueueBlock):
    """Empties a queue."""

    type = "Queues/Remove All Items"
    properties = (CHANGED_QUEUE,)

    def run(self, visit: Visit) -> Leave:
        self.items(visit.inputs).clear()
        return Leave(outputs={"Queue": visit.inputs["Queue"]})
