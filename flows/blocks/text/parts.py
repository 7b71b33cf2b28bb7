"""Getting, removing and adding parts of a text."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flows.blocks.base import Direction, Leave, Property, Visit
from flows.blocks.text.base import (
    CHANGED_TEXT,
    INDEX,
    LENGTH,
    TEXT,
    Ranged,
    TextBlock,
    filled,
    index_in,
    length_in,
)

START = Property("Start Index", "Int32", default=0)
END = Property("End Index", "Int32", default=0)
TEXT_TO_ADD = Property("Text To Add", "String", default="")


class _Part:
    """Which part of a text a block is about: from one index to before another."""

    def part(self, text: str, inputs: Mapping[str, Any]) -> tuple[int, int]:
        """Return where the part begins and ends. Raises PropertyValueOutOfRangeException."""
        raise NotImplementedError


class _AtBeginning(_Part):
    def part(self, text: str, inputs: Mapping[str, Any]) -> tuple[int, int]:
        return 0, length_in(inputs["Length"], len(text))


class _AtEnd(_Part):
    def part(self, text: str, inputs: Mapping[str, Any]) -> tuple[int, int]:
        return len(text) - length_in(inputs["Length"], len(text)), len(text)


class _AtIndex(_Part):
    def part(self, text: str, inputs: Mapping[str, Any]) -> tuple[int, int]:
        start = index_in(text, inputs["Index"])
        return start, start + length_in(inputs["Length"], len(text) - start)


class _BeforeIndex(_Part):
    def part(self, text: str, inputs: Mapping[str, Any]) -> tuple[int, int]:
        end = index_in(text, inputs["Index"], lowest=1)
        return end - length_in(inputs["Length"], end), end


class _BetweenIndexes(_Part):
    """Both indexes are part of it, in whichever order they are given."""

    def part(self, text: str, inputs: Mapping[str, Any]) -> tuple[int, int]:
        start = index_in(text, inputs["Start Index"], "Start Index")
        end = index_in(text, inputs["End Index"], "End Index")
        return min(start, end), max(start, end) + 1


class _Gets(_Part, Ranged):
    def run(self, visit: Visit) -> Leave:
        text = filled(visit.inputs["Text"])
        start, end = self.part(text, visit.inputs)
        (name,) = (prop.name for prop in self.properties if prop.writes)
        return Leave(outputs={name: text[start:end]})


class _Removes(_Part, Ranged):
    def run(self, visit: Visit) -> Leave:
        text = filled(visit.inputs["Text"])
        start, end = self.part(text, visit.inputs)
        return Leave(outputs={"Text": text[:start] + text[end:]})


def _out(name: str) -> Property:
    return Property(name, "String", Direction.OUTPUT)


class GetTextAtBeginning(_AtBeginning, _Gets):
    """Gets the first characters of a text."""

    type = "Get Text At Beginning"
    properties = (TEXT, LENGTH, _out("Text At Beginning"))


class GetTextAtEnd(_AtEnd, _Gets):
    """Gets the last characters of a text."""

    type = "Get Text At End"
    properties = (TEXT, LENGTH, _out("Text At End"))


class GetTextAtIndex(_AtIndex, _Gets):
    """Gets the characters of a text from an index on."""

    type = "Get Text At Index"
    properties = (TEXT, INDEX, LENGTH, _out("Text At Index"))


class GetTextBeforeIndex(_BeforeIndex, _Gets):
    """Gets the characters of a text in front of an index."""

    type = "Get Text Before Index"
    properties = (TEXT, INDEX, LENGTH, _out("Text Before Index"))


class GetTextBetweenIndexes(_BetweenIndexes, _Gets):
    """Gets the characters of a text from one index to another, both included."""

    type = "Get Text Between Indexes"
    properties = (TEXT, START, END, _out("Text Between Indexes"))


class RemoveTextAtBeginning(_AtBeginning, _Removes):
    """Removes the first characters of a text."""

    type = "Remove Text At Beginning"
    properties = (CHANGED_TEXT, LENGTH)


class RemoveTextAtEnd(_AtEnd, _Removes):
    """Removes the last characters of a text."""

    type = "Remove Text At End"
    properties = (CHANGED_TEXT, LENGTH)


class RemoveTextAtIndex(_AtIndex, _Removes):
    """Removes the characters of a text from an index on."""

    type = "Remove Text At Index"
    properties = (CHANGED_TEXT, INDEX, LENGTH)


class RemoveTextBeforeIndex(_BeforeIndex, _Removes):
    """Removes the characters of a text in front of an index."""

    type = "Remove Text Before Index"
    properties = (CHANGED_TEXT, INDEX, LENGTH)


class RemoveTextBetweenIndexes(_BetweenIndexes, _Removes):
    """Removes the characters of a text from one index to another, both included."""

    type = "Remove Text Between Indexes"
    properties = (CHANGED_TEXT, START, END)


class _Adds(TextBlock):
    properties: ClassVar[tuple[Property, ...]] = (CHANGED_TEXT, TEXT_TO_ADD)

    def run(self, visit: Visit) -> Leave:
        text, added = visit.inputs["Text"], visit.inputs["Text To Add"] or ""
        at = self.place(text, visit.inputs)
        if not added:
            return Leave(outputs={"Text": text})
        text = text or ""
        return Leave(outputs={"Text": text[:at] + added + text[at:]})

    def place(self, text: str | None, inputs: Mapping[str, Any]) -> int:
        return len(text or "")


class AddTextAtBeginning(_Adds):
    """Adds a text in front of another one."""

    type = "Add Text At Beginning"

    def place(self, text: str | None, inputs: Mapping[str, Any]) -> int:
        return 0


class AddTextAtEnd(_Adds):
    """Adds a text behind another one."""

    type = "Add Text At End"


class AddTextBeforeIndex(_Adds):
    """Adds a text in front of the character at an index."""

    type = "Add Text Before Index"
    properties = (CHANGED_TEXT, TEXT_TO_ADD, INDEX)
    throws = Ranged.throws

    def place(self, text: str | None, inputs: Mapping[str, Any]) -> int:
        return index_in(filled(text), inputs["Index"])


class AddTextAfterIndex(_Adds):
    """Adds a text behind the character at an index."""

    type = "Add Text After Index"
    properties = (CHANGED_TEXT, TEXT_TO_ADD, INDEX)
    throws = Ranged.throws

    def place(self, text: str | None, inputs: Mapping[str, Any]) -> int:
        return index_in(filled(text), inputs["Index"]) + 1
