"""Counting loop."""

from collections.abc import Mapping

from flows.blocks.base import Block, Direction, Leave, Port, Property, Shape, Visit
from flows.blocks.errors import HELP, BlockException, exception


class ForLoop(Block):
    """Leaves right for each index from Start to End, both included, then bottom with Current
    Index 0 (semantics 54 to 57).

    What the loop's body does to Current Index counts. A loop that is left early and entered again
    goes on where it was, as the original's does not tell the two apart either (semantics 61).
    """

    type = "For Loop"
    palette = "Loops"
    shape = Shape.LOOP
    icon = "loop"
    ports = (Port.BOTTOM, Port.RIGHT)
    properties = (
        Property("Start Index", "Int32", default=0),
        Property("End Index", "Int32", default=0),
        Property("Increment", "Int32", default=1),
        Property("Current Index", "Int32", Direction.BOTH),
    )
    throws = ("InfiniteLoopException",)

    def port_names(self) -> Mapping[Port, str]:
        return {Port.RIGHT: "each", Port.BOTTOM: "done"}

    def run(self, visit: Visit) -> Leave:
        start, end = visit.inputs["Start Index"], visit.inputs["End Index"]
        increment = visit.inputs["Increment"]
        if increment == 0:
            raise _infinite(increment, 100, "positive" if start <= end else "negative")
        if increment > 0 and start > end:
            raise _infinite(increment, 102, "negative")
        if increment < 0 and start < end:
            raise _infinite(increment, 101, "positive")
        index = visit.inputs["Current Index"] + increment if visit.state else start
        if index <= end if increment > 0 else index >= end:
            return Leave(Port.RIGHT, {"Current Index": index}, state=True)
        return Leave(Port.BOTTOM, {"Current Index": 0})


def _infinite(increment: int, code: int, needed: str) -> BlockException:
    return exception(
        "InfiniteLoopException",
        f"The 'Increment' provided ({increment}) causes an infinite loop. It must be a {needed} "
        f"value.{HELP}",
        category="Increment",
        error_code=code,
    )
