"""What orders the grid, and where a row stands in an order.

A `Key` is a row's place: the values that it is sorted by, and its id, which parts ties. Written, it
is the values and the id with `-` between them, each so that the order of the texts is the order of
the rows: a script compares two keys of one order as strings (`<`, by code units; they are ASCII),
and the row with the greater one stands above when the order is descending, below when it is
ascending. Moments are microseconds since 1970 in 18 digits, as are numbers, lengths microseconds in
19 digits, and texts their UTF-8 in hexadecimal, so that they sort by code point, as the database
does in the collation "C".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from executions.events import ExecutionChanged
from executions.grid.query.lexemes import fold
from executions.grid.query.ranges import EPOCH, LAST, TICK

#: The length of what is not over, less the time from 1970 to its start: longer than all that is.
UNENDED = timedelta(days=36_500_000)


@dataclass(frozen=True)
class Part:
    """One value of a key: where it comes from and how it is written."""

    column: str
    of: Callable[[ExecutionChanged], Any]
    write: Callable[[Any], str]
    #: Raises ValueError for what `write` never writes.
    read: Callable[[str], Any]


def _write_time(at: datetime) -> str:
    return f"{(at - EPOCH) // TICK:018}"


def _read_time(text: str) -> datetime:
    at = EPOCH + timedelta(microseconds=_digits(text, 18))
    if at > LAST:
        raise ValueError(text)
    return at


def _digits(text: str, count: int) -> int:
    if not re.fullmatch(f"[0-9]{{1,{count}}}", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def _write_text(text: str) -> str:
    return text.encode().hex()


def _read_text(text: str) -> str:
    found = bytes.fromhex(text).decode()
    if "\0" in found or len(found) > 400:
        raise ValueError(text)
    return found


def _length(event: ExecutionChanged) -> timedelta:
    if event.ended_at is not None:
        return max(event.ended_at - event.started_at, timedelta())
    return UNENDED - (event.started_at - EPOCH)


def _write_length(length: timedelta) -> str:
    return f"{length // TICK:019}"


def _read_length(text: str) -> timedelta:
    return timedelta(microseconds=_digits(text, 19))


def _write_number(number: int) -> str:
    return f"{number:018}"


def _read_number(text: str) -> int:
    return _digits(text, 18)


def _named(column: str) -> Part:
    """A name, in whatever case it is written."""
    return Part(column, lambda event: fold(getattr(event, column)), _write_text, _read_text)


def _number(column: str) -> Part:
    return Part(column, lambda event: getattr(event, column), _write_number, _read_number)


STARTED = Part("started_at", lambda event: event.started_at, _write_time, _read_time)
UPDATED = Part("updated_at", lambda event: event.updated_at, _write_time, _read_time)
LENGTH = Part("length", _length, _write_length, _read_length)
FLOW = Part("flow_name", lambda event: event.flow_name, _write_text, _read_text)
STATUS = Part("status", lambda event: event.status, _write_text, _read_text)

#: What has an index in its order, which ends with the id (executions/models/execution.py).
INDEXED = frozenset({"started", "updated", "duration", "flow", "status"})
#: What can be sorted by: the key of a grid's column, and the values that order it.
SORTS: dict[str, tuple[Part, ...]] = {
    "started": (STARTED,),
    "updated": (UPDATED,),
    "duration": (LENGTH,),
    "flow": (FLOW, STARTED),
    "status": (STATUS, STARTED),
    "type": (_named("block_type"), STARTED),
    "description": (_named("block_description"), STARTED),
    "workspace": (_named("workspace_name"), STARTED),
    "version": (_number("version_number"), STARTED),
    "initiator": (_named("initiator_name"), STARTED),
    "trigger": (_named("trigger"), STARTED),
    "worker": (_named("lease_owner"), STARTED),
    "error": (_named("error_type"), STARTED),
    "debugger": (_named("debugged_by_name"), STARTED),
    "steps": (_number("step_count"), STARTED),
}
WORDS = {
    "started": ("Oldest first", "Newest first"),
    "updated": ("Least recently updated first", "Most recently updated first"),
    "duration": ("Shortest first", "Longest first"),
    "flow": ("By flow, A to Z", "By flow, Z to A"),
    "status": ("By status, A to Z", "By status, Z to A"),
    "type": ("By block type, A to Z", "By block type, Z to A"),
    "description": ("By block description, A to Z", "By block description, Z to A"),
    "workspace": ("By workspace, A to Z", "By workspace, Z to A"),
    "version": ("Lowest flow version first", "Highest flow version first"),
    "initiator": ("By initiator, A to Z", "By initiator, Z to A"),
    "trigger": ("By trigger, A to Z", "By trigger, Z to A"),
    "worker": ("By worker, A to Z", "By worker, Z to A"),
    "error": ("By exception, A to Z", "By exception, Z to A"),
    "debugger": ("By debugger, A to Z", "By debugger, Z to A"),
    "steps": ("Fewest steps first", "Most steps first"),
}
#: Columns whose first click sorts ascending. What many rows lack begins with those that have it.
ASCENDING_FIRST = frozenset({"flow", "status", "type", "description", "workspace", "initiator"})


@dataclass(frozen=True)
class Sort:
    """An order of the grid: by a column, ties by id, in one direction. By default newest first."""

    column: str = "started"
    descending: bool = True

    @classmethod
    def parse(cls, text: str) -> "Sort":
        """Read `-started` (descending) or `flow` (ascending); anything else is the default."""
        column = text.removeprefix("-")
        return cls(column, text.startswith("-")) if column in SORTS else cls()

    def __str__(self) -> str:
        return f"{'-' if self.descending else ''}{self.column}"

    @property
    def parts(self) -> tuple[Part, ...]:
        return SORTS[self.column]

    @property
    def is_indexed(self) -> bool:
        """Whether an index leads through all executions in this order; else what matches is
        sorted for each page."""
        return self.column in INDEXED

    @property
    def words(self) -> str:
        """The order as people read it."""
        return WORDS[self.column][self.descending]

    @property
    def aria(self) -> str:
        """The aria-sort of the column's header."""
        return "descending" if self.descending else "ascending"

    def toggled(self, column: str) -> "Sort":
        """The order after a click on a column's header."""
        if column == self.column:
            return Sort(column, not self.descending)
        return Sort(column, column not in ASCENDING_FIRST)

    def is_above(self, one: str, other: str) -> bool:
        """Whether the row with one written key stands above that with another."""
        return one > other if self.descending else one < other

    def key(self, event: ExecutionChanged) -> "Key":
        """Where a row stands."""
        return Key(tuple(part.of(event) for part in self.parts), UUID(event.id), self)

    def key_at(self, moment: datetime) -> "Key | None":
        """The place of a moment, between what started before and after it; None when another
        column orders the rows."""
        if self.parts != (STARTED,) and self.parts != (UPDATED,):
            return None
        # The rows of that very moment belong to what comes after it in either direction.
        return Key((moment,), UUID(int=2**128 - 1 if self.descending else 0), self)

    def read(self, text: str) -> "Key | None":
        """The inverse of a key's `str`; None for anything else."""
        *values, last = text.split("-")
        if len(values) != len(self.parts) or not re.fullmatch("[0-9a-f]{32}", last):
            return None
        try:
            found = tuple(part.read(value) for part, value in zip(self.parts, values, strict=True))
        except (ValueError, OverflowError):
            return None
        return Key(found, UUID(last), self)


NEWEST_FIRST = Sort()


@dataclass(frozen=True)
class Key:
    """Where a row stands in an order."""

    values: tuple[Any, ...]
    id: UUID
    sort: Sort

    def __str__(self) -> str:
        written = [part.write(v) for part, v in zip(self.sort.parts, self.values, strict=True)]
        return "-".join([*written, self.id.hex])
