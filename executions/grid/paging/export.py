"""Export any number of executions as CSV or JSON, in batches.

The columns are those that the grid shows, and the ids. A CSV file is safe to open in a spreadsheet:
values that look like formulas begin with an apostrophe.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

from executions import access
from executions.events import ExecutionChanged
from executions.grid.paging.page_query import PageQuery
from executions.grid.table import keyset
from executions.grid.table.columns import Column, column_of
from executions.grid.table.row_events import read_events
from executions.grid.table.sorting import NEWEST_FIRST, RowKey
from executions.store.read import variables_by_path
from executions.store.read.variables_by_path import LargeValue
from flows import values
from flows.values import MASK, Masked

#: Rows of the first batch, so that the download begins at once, and of the others.
FIRST_BATCH, BATCH = 200, 2_000
#: What a spreadsheet takes for the beginning of a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
#: The columns that are always exported.
ID_COLUMNS = ("id", "parent", "root")


class Export:
    """The executions that match and that a user may see; with `ids`, only these.

    They come in the order of the grid if it has an index, otherwise the newest first.
    """

    def __init__(self, user: access.User, query: PageQuery, ids: Sequence[UUID] = ()) -> None:
        self.user = user
        # Without an index, each batch would sort all of them again.
        self.sort = query.sort if query.sort.is_indexed else NEWEST_FIRST
        self.ids = list(ids)
        self.filters = query.filters.seen_by(user)
        #: So that relative times mean the same in every batch.
        self.now = timezone.now()
        shown = [column for column in query.layout.shown_columns if column.is_exported]
        known = {column.key for column in shown}
        more = [column_of(key) for key in ID_COLUMNS if key not in known]
        self.columns: list[Column] = [*shown, *(column for column in more if column)]
        self.zone = ZoneInfo(query.layout.zone) if query.layout.zone else None

    async def csv(self) -> AsyncIterator[bytes]:
        # The mark at the beginning is how a spreadsheet knows UTF-8.
        yield ("\ufeff" + csv_lines([[column.label for column in self.columns]])).encode()
        async for batch in self._batches():
            lines = [[csv_cell(value) for value in row] for row in batch]
            yield csv_lines(lines).encode()

    async def json(self) -> AsyncIterator[bytes]:
        """Write an array with one object per line, so that it can also be read line by line."""
        separator = "[\n"
        names = [column.key for column in self.columns]
        async for batch in self._batches():
            objects = [
                json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, default=_text)
                for row in batch
            ]
            yield (separator + ",\n".join(objects)).encode()
            separator = ",\n"
        yield b"\n]\n" if separator == ",\n" else b"[]\n"

    async def _batches(self) -> AsyncIterator[list[list[Any]]]:
        behind: RowKey | None = None
        size = FIRST_BATCH
        while True:
            batch, behind = await sync_to_async(self._batch)(behind, size)
            if batch:
                yield batch
            if behind is None:
                return
            size = BATCH

    def _batch(self, behind: RowKey | None, size: int) -> tuple[list[list[Any]], RowKey | None]:
        """Return the next rows, and the key after which there are more."""
        rows = access.visible(self.user)
        # Ids name what is wanted already: the filter may have let go of one meanwhile.
        rows = (
            rows.filter(pk__in=self.ids)
            if self.ids
            else rows.filter(self.filters.condition(self.now))
        )
        if behind is not None:
            rows = rows.filter(keyset.rows_below(behind))
        events = read_events(rows.order_by(*keyset.order_by(self.sort))[:size])
        held = self._variables(events)
        batch = [[self._value(column, event, held) for column in self.columns] for event in events]
        if not connection.in_atomic_block:
            # Whoever downloads slowly must not keep a connection from others meanwhile.
            connection.close()
        return batch, self.sort.key(events[-1]) if len(events) == size else None

    def _variables(self, events: Sequence[ExecutionChanged]) -> Mapping[str, Mapping[str, Any]]:
        names = [column.variable for column in self.columns if column.variable]
        if not names or not events:
            return {}
        return variables_by_path.values_of([event.id for event in events], names)

    def _value(
        self, column: Column, event: ExecutionChanged, held: Mapping[str, Mapping[str, Any]]
    ) -> Any:
        if column.variable:
            return _plain(held.get(event.id, {}).get(column.variable))
        value = column.value(event) if column.value else None
        if isinstance(value, datetime):
            return timezone.localtime(value, self.zone).isoformat()
        return value


def _plain(value: Any) -> Any:
    """Return the value of a variable as JSON has it, or the size of one that is too large."""
    if isinstance(value, LargeValue):
        return f"{value.size} bytes"
    if isinstance(value, str):
        return values.legible(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Masked):
        return MASK
    return values.encode(value)


def csv_cell(value: Any) -> Any:
    """Return a value for a CSV file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_text)
    text = values.storable(text)  # what reads such files ends a text, or a file, at a NUL
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def csv_lines(rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as lines of a CSV file."""
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def _text(value: Any) -> str:
    return str(value)
