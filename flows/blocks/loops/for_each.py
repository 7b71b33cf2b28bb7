"""Loop over the items of a collection."""

from collections.abc import Mapping

from flows.blocks.base import Block, Direction, Leave, Port, Property, Shape, Visit


class ForEachLoop(Block):
    """Leaves right with {Index, Value} for each item, then bottom with {} (semantics 58, 59).

    The items of a structure are {Key, Value}, those of a text its characters. They are those
    of the first visit: what the loop's body does to the collection does not change the loop
    (semantics 60).
    """

    type = "For Each Loop"
    palette = "Loops"
    shape = Shape.LOOP
    icon = "loop"
    ports = (Port.BOTTOM, Port.RIGHT)
    properties = (
        Property("Collection", "IEnumerable", required=True),
        Property("Current Iteration", "Structure", Direction.OUTPUT),
    )
    items_property = "Collection"

    def port_names(self) -> Mapping[Port, str]:
        return {Port.RIGHT: "each", Port.BOTTOM: "done"}

    def run(self, visit: Visit) -> Leave:
        items = visit.inputs["Collection"]
        index = visit.state or 0
        if index >= len(items):
            return Leave(Port.BOTTOM, {"Current Iteration": {}})
        return Leave(
            Port.RIGHT,
            {"Current Iteration": {"Index": index, "Value": items[index]}},
            state=index + 1,
        )
