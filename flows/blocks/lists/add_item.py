"""Adding items to a list."""

from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.values import copy


class AddItemAtEnd(Block):
    """Adds an item to the end of a list, which is a variable."""

    type = "Add Item At End"
    palette = "Lists"
    icon = "queue"
    properties = (
        Property("List", "IList", Direction.BOTH, required=True),
        Property("Item"),
    )

    def run(self, visit: Visit) -> Leave:
        # The list is the variable's own: a block may change what it saves back (semantics 29).
        # The item may be another variable's, so it is copied.
        visit.given["List"].append(copy(visit.given["Item"]))
        return Leave(outputs={"List": visit.given["List"]})
