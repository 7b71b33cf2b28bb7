"""Handlers that take some exceptions and pass on the others (semantics 32, 35 to 37)."""

from collections.abc import Sequence
from typing import Any, ClassVar

from flows.blocks.base import Block, Direction, Leave, Port, Property, Shape, Visit
from flows.blocks.collections import texts_of
from flows.blocks.enumerations import STRING_COMPARISON
from flows.blocks.errors import HELP, exception, property_empty, property_null
from flows.blocks.string_comparison import comparable
from flows.values import ExceptionValue

_COMPARISON = STRING_COMPARISON.property("Comparison Type", "Ordinal")
_EXCEPTION = Property("Exception", direction=Direction.OUTPUT)


class _Matching(Block):
    """Leaves by the bottom port with an exception that matches, else by its own red port with the
    exception that came in. What the handler itself throws leaves by its red port too, else goes to
    the workspace, as with any block (semantics 31, 37)."""

    palette = "Exceptions"
    shape = Shape.HANDLER
    icon = "bug"
    ports = (Port.BOTTOM, Port.EXCEPTION)
    takes_exceptions = True
    #: The property that says what to match.
    wanted: ClassVar[str]

    def texts(self, value: Any) -> Sequence[str]:
        """What to match, any of it. Raises BlockException for what cannot be matched."""
        raise NotImplementedError

    def subject(self, thrown: ExceptionValue) -> str:
        raise NotImplementedError

    def run(self, visit: Visit) -> Leave:
        thrown = visit.exception
        if thrown is None:
            # Only Set Next Block leads here without one: there is nothing to match.
            return Leave(outputs={"Exception": None})
        texts = self.texts(visit.inputs[self.wanted])
        comparison = STRING_COMPARISON.member("Comparison Type", visit.inputs["Comparison Type"])
        subject = comparable(self.subject(thrown), comparison)
        if any(_matches(subject, comparable(text, comparison)) for text in texts):
            return Leave(outputs={"Exception": thrown})
        return Leave(Port.EXCEPTION)

    def items(self, value: Any) -> list[Any]:
        """A list of texts, or of nulls, that holds something."""
        if value is None:
            raise property_null(self.wanted)
        if not value:
            raise property_empty(self.wanted)
        return texts_of(self.wanted, value)


def _matches(subject: str, text: str) -> bool:
    """Contained; an empty text only in an empty one (semantics 36)."""
    return text in subject if text else not subject


class _MatchingMessage(_Matching):
    def subject(self, thrown: ExceptionValue) -> str:
        return thrown.message or ""


class _MatchingType(_Matching):
    def subject(self, thrown: ExceptionValue) -> str:
        return thrown.type


class HandleBlockExceptionMatchingMessage(_MatchingMessage):
    """Takes an exception whose message contains Message, and passes on any other by its red port.
    A null or empty Message takes those without a message."""

    type = "Handle Block Exception Matching Message"
    wanted = "Message"
    properties = (Property("Message", "String", default=""), _COMPARISON, _EXCEPTION)
    throws = ("ArgumentException",)

    def texts(self, value: Any) -> Sequence[str]:
        return [value or ""]


class HandleBlockExceptionMatchingMessages(_MatchingMessage):
    """Takes an exception whose message contains any of Messages, and passes on any other by its
    red port. A null or empty item takes those without a message."""

    type = "Handle Block Exception Matching Messages"
    wanted = "Messages"
    properties = (Property("Messages", "IEnumerable<String>", default=[]), _COMPARISON, _EXCEPTION)
    throws = ("ArgumentException", "PropertyNullException", "PropertyEmptyException")

    def texts(self, value: Any) -> Sequence[str]:
        return [item or "" for item in self.items(value)]


class HandleBlockExceptionMatchingTypeName(_MatchingType):
    """Takes an exception whose type's full name contains Type Name, so that a namespace matches
    too, and passes on any other by its red port."""

    type = "Handle Block Exception Matching Type Name"
    wanted = "Type Name"
    properties = (
        Property("Type Name", "String", required=True, nonempty=True),
        _COMPARISON,
        _EXCEPTION,
    )
    throws = ("ArgumentException",)

    def texts(self, value: Any) -> Sequence[str]:
        return [value]


class HandleBlockExceptionMatchingTypeNames(_MatchingType):
    """Takes an exception whose type's full name contains any of Type Names, and passes on any
    other by its red port."""

    type = "Handle Block Exception Matching Type Names"
    wanted = "Type Names"
    properties = (
        Property("Type Names", "IEnumerable<String>", default=[]),
        _COMPARISON,
        _EXCEPTION,
    )
    throws = (
        "ArgumentException",
        "PropertyNullException",
        "PropertyEmptyException",
        "PropertyContainsNullOrEmptyItemException",
    )

    def texts(self, value: Any) -> Sequence[str]:
        items = self.items(value)
        if not all(items):
            raise exception(
                "PropertyContainsNullOrEmptyItemException",
                f"'{self.wanted}' contains a null or empty item; every item must have content."
                f"{HELP}",
            )
        return items
