"""Saving a value to a variable."""

from flows.blocks.base import Block, Direction, Leave, Property, Visit


class SetVariable(Block):
    """Saves Value to Variable, null when Value is absent (semantics 24)."""

    type = "Set Variable"
    palette = "Variables"
    icon = "var"
    properties = (Property("Value", "TValue"), Property("Variable", "TValue", Direction.OUTPUT))

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Variable": visit.inputs["Value"]})
