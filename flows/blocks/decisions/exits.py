"""Decisions: which port a token leaves by (semantics 7). They have no exception port."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from flows.blocks.base import Block, Leave, Port, Property, Shape, Visit
from flows.blocks.errors import HELP, exception


class Decision(Block):
    """Leaves by one of two ports, as the answer to a question about its Value is yes or no."""

    palette = "Decisions"
    shape = Shape.DECISION
    icon = "branch"
    ports = (Port.BOTTOM, Port.RIGHT)
    #: The port for a yes; a no leaves by the other one.
    yes: ClassVar[Port]

    @property
    def no(self) -> Port:
        return Port.BOTTOM if self.yes is Port.RIGHT else Port.RIGHT

    def port_names(self) -> Mapping[Port, str]:
        return {self.yes: "yes", self.no: "no"}

    def decide(self, value: Any) -> bool:
        """Answer the question that the block asks about its value."""
        raise NotImplementedError

    def run(self, visit: Visit) -> Leave:
        return Leave(self.yes if self.decide(visit.inputs["Value"]) else self.no)


class _IfTrue(Decision):
    properties = (Property("Value", "Boolean"),)

    def decide(self, value: Any) -> bool:
        return value is True


class _IfNull(Decision):
    """Values of a type that is never null throw instead of answering no (semantics 8)."""

    properties = (Property("Value", "TValue"),)
    throws = ("PropertyNotNullableException",)

    def decide(self, value: Any) -> bool:
        if isinstance(value, bool | int | float | datetime | timedelta):
            raise exception(
                "PropertyNotNullableException",
                "'Value' cannot accept data types that do not allow null values (e.g. Int32, "
                "Boolean, Char, etc.); it must be provided a data type which allows null values."
                f"{HELP}",
            )
        return value is None


class IfTrueExitRight(_IfTrue):
    """Leaves right when Value is true, else bottom."""

    type = "If True Exit Right"
    yes = Port.RIGHT


class IfTrueExitBottom(_IfTrue):
    """Leaves bottom when Value is true, else right."""

    type = "If True Exit Bottom"
    yes = Port.BOTTOM


class IfNullExitRight(_IfNull):
    """Leaves right when Value is null, else bottom."""

    type = "If Null Exit Right"
    yes = Port.RIGHT


class IfNullExitBottom(_IfNull):
    """Leaves bottom when Value is null, else right."""

    type = "If Null Exit Bottom"
    yes = Port.BOTTOM
