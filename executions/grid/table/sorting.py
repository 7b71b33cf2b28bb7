"""The order of the grid, and the keys by which rows are compared in it.

A `RowKey` is the place of a row: the values that it is sorted by, and its id, which breaks ties.
Written as text, it is the values and the id with `-` between them, each so that the order of the
texts is the order of the rows. A script compares two keys of one order as strings (`<`, by code
units; they are ASCII): the row with the greater key stands above when the order is descending, and
below when it is ascending. `executions.grid.table.sort_values` writes moments as microseconds since
1970 in 18 digits, numbers in 18 digits, lengths as microseconds in 19 digits, and texts as their
UTF-8 in hexadecimal, so that they sort by code point as in the database's collation "C".
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from executions.events import ExecutionChanged
from executions.grid.table.columns import Sorting, column_of
from executions.grid.table.sort_values import STARTED, UPDATED, SortValue


@dataclass(frozen=True)
class Sort:
    """An order of the grid: by a column and then by id, in one direction. By default newest first.

    Only a column that declares its `sorting` can be named.
    """

    column: str = "started"
    descending: bool = True

    @classmethod
    def parse(cls, text: str) -> "Sort":
        """Read `-started` (descending) or `flow` (ascending); anything else is the default."""
        column = text.removeprefix("-")
        return cls(column, text.startswith("-")) if sorting_of(column) else cls()

    def __str__(self) -> str:
        return f"{'-' if self.descending else ''}{self.column}"

    @cached_property
    def _sorting(self) -> Sorting:
        found = sorting_of(self.column)
        assert found is not None, self.column
        return found

    @property
    def values(self) -> tuple[SortValue, ...]:
        """The values that order the rows, before their ids."""
        return self._sorting.values

    @property
    def is_indexed(self) -> bool:
        """Whether an index leads through all executions in this order. Without one, each page sorts
        everything that matches."""
        return bool(self._sorting.indexes)

    @property
    def description(self) -> str:
        """The order in words: `Newest first`."""
        return self._sorting.descending if self.descending else self._sorting.ascending

    @property
    def aria(self) -> str:
        """The `aria-sort` of the column's header."""
        return "descending" if self.descending else "ascending"

    def after_click(self, column: str) -> "Sort":
        """The order after a click on the header of a sortable column."""
        if column == self.column:
            return Sort(column, not self.descending)
        sorting = sorting_of(column)
        return Sort(column, sorting is not None and sorting.descending_first)

    def is_above(self, one: str, other: str) -> bool:
        """Whether the row with one written key stands above that with another."""
        return one > other if self.descending else one < other

    def key(self, event: ExecutionChanged) -> "RowKey":
        """The place of an execution's row."""
        return RowKey(tuple(value.of(event) for value in self.values), UUID(event.id), self)

    def key_at(self, moment: datetime) -> "RowKey | None":
        """The place between the rows before and after a moment; None when no time orders them."""
        if self.values not in ((STARTED,), (UPDATED,)):
            return None
        # The rows of that very moment belong to what comes after it in either direction.
        return RowKey((moment,), UUID(int=2**128 - 1 if self.descending else 0), self)

    def parse_key(self, text: str) -> "RowKey | None":
        """Read a key as `str` writes it; None for anything else."""
        *texts, last = text.split("-")
        if len(texts) != len(self.values) or not re.fullmatch("[0-9a-f]{32}", last):
            return None
        try:
            values = tuple(v.read(written) for v, written in zip(self.values, texts, strict=True))
        except (ValueError, OverflowError):
            return None
        return RowKey(values, UUID(last), self)


def sorting_of(column: str) -> Sorting | None:
    """How a column sorts the rows; None when there is no such column, or it can't be sorted by."""
    found = column_of(column)
    return found.sorting if found else None


NEWEST_FIRST = Sort()


@dataclass(frozen=True)
class RowKey:
    """The place of a row in an order."""

    values: tuple[Any, ...]
    id: UUID
    sort: Sort

    def __str__(self) -> str:
        pairs = zip(self.sort.values, self.values, strict=True)
        return "-".join([*(value.write(own) for value, own in pairs), self.id.hex])
