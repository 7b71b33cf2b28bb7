"""Questions about a whole text."""

from typing import Any, ClassVar

from flows.blocks.base import Direction, Leave, Property, Visit
from flows.blocks.enumerations import STRING_COMPARISON
from flows.blocks.string_comparison import comparable
from flows.blocks.text.base import BLANKS, TEXT, TextBlock


class GetLength(TextBlock):
    """Tells how many characters a text has; none when it is null."""

    type = "Get Length"
    properties = (TEXT, Property("Length", "Int32", Direction.OUTPUT))

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Length": len(visit.inputs["Text"] or "")})


class _Asks(TextBlock):
    """Tells whether a text is one of some kinds: null, empty, blank."""

    fits: ClassVar[tuple[str, ...]] = ()

    def run(self, visit: Visit) -> Leave:
        (name,) = (prop.name for prop in self.properties if prop.writes)
        return Leave(outputs={name: _kind(visit.inputs["Text"]) in self.fits})


def _kind(text: Any) -> str:
    if text is None:
        return "null"
    if not text:
        return "empty"
    return "text" if text.strip(BLANKS) else "blank"


def _answer(name: str) -> Property:
    return Property(name, "Boolean", Direction.OUTPUT)


class IsTextNull(_Asks):
    """Tells whether a text is null."""

    type = "Is Text Null"
    properties = (TEXT, _answer("Text Is Null"))
    fits = ("null",)


class IsTextEmpty(_Asks):
    """Tells whether a text is empty; null is not."""

    type = "Is Text Empty"
    properties = (TEXT, _answer("Text Is Empty"))
    fits = ("empty",)


class IsTextEmptyOrWhitespace(_Asks):
    """Tells whether a text is empty or has blanks only; null is not."""

    type = "Is Text Empty Or Whitespace"
    properties = (TEXT, _answer("Text Is Empty Or Whitespace"))
    fits = ("empty", "blank")


class IsTextNullOrEmpty(_Asks):
    """Tells whether a text is null or empty."""

    type = "Is Text Null Or Empty"
    properties = (TEXT, _answer("Text Is Null Or Empty"))
    fits = ("null", "empty")


class IsTextNullEmptyOrWhitespace(_Asks):
    """Tells whether a text is null or empty, or has blanks only."""

    type = "Is Text Null, Empty Or Whitespace"
    properties = (TEXT, _answer("Text Is Null Empty Or Whitespace"))
    fits = ("null", "empty", "blank")


class IsTextEqual(TextBlock):
    """Tells whether two texts are equal. Null is equal to null only."""

    type = "Is Text Equal"
    properties = (
        TEXT,
        Property("Text To Compare", "String", default=""),
        STRING_COMPARISON.property("Comparison Type", "Ordinal"),
        _answer("Text Is Equal"),
    )
    throws = ("ArgumentException",)

    def run(self, visit: Visit) -> Leave:
        inputs = visit.inputs
        how = STRING_COMPARISON.member("Comparison Type", inputs["Comparison Type"])
        one, other = inputs["Text"], inputs["Text To Compare"]
        if one is None or other is None:
            return Leave(outputs={"Text Is Equal": one is other})
        return Leave(outputs={"Text Is Equal": comparable(one, how) == comparable(other, how)})
