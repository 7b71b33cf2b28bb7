"""Enumerations of the original: their members may be given by name, qualified name or number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flows.blocks.base import Property
from flows.blocks.errors import invalid_argument
from flows.values import summary


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enumeration: its name, and the number of each member."""

    name: str
    members: Mapping[str, int]

    def property(self, name: str, default: str, *, advanced: bool = True) -> Property:
        """Return a property that takes a member."""
        return Property(name, self.name, default=default, advanced=advanced, choices=tuple(self))

    def __iter__(self) -> Any:
        return iter(self.members)

    def member(self, prop: str, value: Any) -> str:
        """Return the name of the member that a property gives. Raises ArgumentException as a
        BlockException."""
        found = self._named(value) if isinstance(value, str) else self._numbered(value)
        if found is None:
            wanted = ", ".join(self.members)
            raise invalid_argument(prop, f"{summary(value)} is not one of {wanted}.")
        return found

    def flags(self, prop: str, value: Any) -> frozenset[str]:
        """Return the names of the members that a property joins, as in
        `RemoveEmptyEntries|TrimEntries`. Raises ArgumentException as a
        BlockException."""
        if isinstance(value, int) and not isinstance(value, bool):
            found = {name for name, number in self.members.items() if number and value & number}
            if value < 0 or value & ~sum(self.members.values()):
                self.member(prop, value)
            return frozenset(found)
        parts = str(value).replace(",", "|").split("|")
        return frozenset(self.member(prop, part.strip()) for part in parts)

    def _named(self, text: str) -> str | None:
        plain = text.removeprefix(f"{self.name}.")
        return plain if plain in self.members else None

    def _numbered(self, value: Any) -> str | None:
        if type(value) is not int:
            return None
        return next((name for name, number in self.members.items() if number == value), None)


STRING_COMPARISON = Enumeration(
    "StringComparison",
    {
        "CurrentCulture": 0,
        "CurrentCultureIgnoreCase": 1,
        "InvariantCulture": 2,
        "InvariantCultureIgnoreCase": 3,
        "Ordinal": 4,
        "OrdinalIgnoreCase": 5,
    },
)
SEARCH_OPTIONS = Enumeration("SearchOptions", {"LiteralText": 0, "Regex": 1, "PatternMatching": 2})
SPLIT_OPTIONS = Enumeration(
    "StringSplitOptions",
    {"None": 0, "RemoveEmptyEntries": 1, "TrimEntries": 2},
)
ENCODING_FORMAT = Enumeration(
    "TextEncodingFormat",
    {"Base64": 0, "Url": 1, "Hex": 2, "Html": 3, "Utf8": 4, "Base64Url": 5},
)
EVENT_SEVERITY = Enumeration(
    "EventSeverity",
    {"Verbose": 0, "Debug": 1, "Information": 2, "Warning": 3, "Error": 4, "Fatal": 5},
)
CONTENT_OPTIONS = Enumeration("ContentOptions", {"Files": 0, "Folders": 1})
DATE_TIME_COMPONENT = Enumeration(
    "DateTimeComponentType",
    {
        "LocalDateTime": 0,
        "UtcDateTime": 1,
        "Date": 2,
        "Time": 3,
        "Year": 4,
        "Month": 5,
        "Day": 6,
        "Hour": 7,
        "Minute": 8,
        "Second": 9,
        "Millisecond": 10,
        "Offset": 11,
        "DayOfYear": 12,
        "DayOfWeek": 13,
    },
)
