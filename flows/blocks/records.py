"""Reading a property that is a structure with known members, as Http Request or Email Message.

What a member is called in an exception is its path, as `Http Request.Uri`. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flows.blocks.errors import (
    contains_null,
    invalid_property,
    out_of_range,
    property_empty,
    property_null,
)
from flows.values import article, summary, type_name


@dataclass(frozen=True, slots=True)
class Record:
    """A structure, and the name under which exceptions speak of it.

    A member of the wrong type throws InvalidPropertyValueException.
    """

    name: str
    members: Mapping[str, Any]

    def path(self, member: str) -> str:
        return f"{self.name}.{member}"

    def text(self, member: str, default: str = "") -> str:
        """Return a text; the default where it is left out or null."""
        found = text_of(self.members.get(member), self.path(member))
        return default if found is None else found

    def needed_text(self, member: str) -> str:
        """Return a text that must have content. One that is left out counts as empty."""
        return needed(self.members.get(member, ""), self.path(member))

    def number(self, member: str, default: int, lowest: int, highest: int) -> int:
        """Return an Integer within a range; PropertyValueOutOfRangeException beyond it."""
        found = self.members.get(member)
        if found is None:
            return default
        if type(found) is not int:
            raise self._wrong(member, found, "Int32")
        if not lowest <= found <= highest:
            raise out_of_range(self.path(member), found, f"from {lowest} to {highest}")
        return found

    def flag(self, member: str, default: bool) -> bool:
        """Return a Boolean; the default where it is left out or null."""
        found = self.members.get(member)
        if found is None:
            return default
        if type(found) is not bool:
            raise self._wrong(member, found, "Boolean")
        return found

    def part(self, member: str) -> "Record | None":
        """Return a member that is a structure itself; None where it is left out or null."""
        found = self.members.get(member)
        if found is None:
            return None
        if type(found) is not dict:
            raise self._wrong(member, found, "Structure")
        return Record(self.path(member), found)

    def needed_part(self, member: str) -> "Record":
        """Return a member that is a structure and must be there."""
        found = self.part(member)
        if found is None:
            raise property_null(self.path(member))
        return found

    def items(self, member: str) -> list[Any]:
        """Return a list; an empty one where it is left out or null."""
        found = self.members.get(member)
        if found is None:
            return []
        if type(found) is not list:
            raise self._wrong(member, found, "List")
        return found

    def parts(self, member: str) -> "Iterator[Record]":
        """Yield the structures of a list."""
        for index, item in enumerate(self.items(member)):
            where = f"{self.path(member)}[{index}]"
            if item is None:
                raise contains_null(self.path(member))
            if type(item) is not dict:
                raise invalid_property(where, f"{article(type_name(item))} is not a Structure.")
            yield Record(where, item)

    def _wrong(self, member: str, value: Any, wanted: str) -> Exception:
        problem = f"{article(type_name(value))} is not {article(wanted)}."
        return invalid_property(self.path(member), problem)


def needed(value: Any, name: str) -> str:
    """Return a text that must have content. Raises PropertyNullException, PropertyEmptyException
    and InvalidPropertyValueException as a BlockException."""
    found = text_of(value, name)
    if found is None:
        raise property_null(name)
    if not found.strip():
        raise property_empty(name)
    return found


def text_of(value: Any, name: str) -> str | None:
    """Return a text as it is, a number or Boolean as it is written, null as None. Raises
    InvalidPropertyValueException as a BlockException."""
    if type(value) in (bool, int, float):
        try:
            value = str(value)
        except ValueError:
            raise invalid_property(name, "the number has too many digits.") from None
    if value is not None and type(value) is not str:
        raise invalid_property(name, f"{article(type_name(value))} is not a String.")
    if value and any("\ud800" <= character <= "\udfff" for character in value):
        raise invalid_property(name, "it holds half of a character (a lone surrogate).")
    return value


def one_line(value: str, name: str) -> str:
    """Return a text that holds no line break and no other control character, which would end a
    header and begin another. Raises InvalidPropertyValueException as a BlockException."""
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in value):
        raise invalid_property(name, f"{summary(value)} holds a control character.")
    return value
