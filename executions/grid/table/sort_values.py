"""The values that rows are sorted by: as an event has them, as the database has them, and as the
key of a row writes them (`executions.grid.table.sorting`)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, DateTimeField, DurationField, F, Field, TextField
from django.db.models.expressions import Combinable

from executions.events import ExecutionChanged
from executions.grid.query.lexemes import fold
from executions.grid.query.moments import EPOCH, LAST
from executions.grid.query.ranges import TICK
from executions.grid.query.search_index import FoldCase
from executions.models.expressions import Length

#: An execution that has not ended counts as this long, less the time from 1970 to its start: longer
#: than every one that has.
UNENDED = timedelta(days=36_500_000)
#: Characters of a text in a key.
TEXT_LIMIT = 400


@dataclass(frozen=True, eq=False)
class SortValue:
    """A value that rows are sorted by; compared by identity.

    `of` takes it from an event, `expression` from a row of the database, where it has the type of
    `field`. `write` and `read` are its form in a key; `read` raises ValueError for a text that
    `write` never writes.
    """

    name: str
    of: Callable[[ExecutionChanged], Any]
    expression: Combinable
    field: "Field[Any, Any]"
    write: Callable[[Any], str]
    read: Callable[[str], Any]


def text(column: str, *, fold_case: bool = True) -> SortValue:
    """A text column; `fold_case` compares it in lower case."""

    def of(event: ExecutionChanged) -> str:
        value: str = getattr(event, column)
        return fold(value) if fold_case else value

    expression = FoldCase(F(column)) if fold_case else F(column)
    return SortValue(column, of, expression, TextField(), _write_text, _read_text)


def number(column: str) -> SortValue:
    """A column of whole numbers, none of which is negative."""
    return SortValue(
        column,
        lambda event: getattr(event, column),
        F(column),
        BigIntegerField(),
        lambda value: f"{value:018}",
        lambda written: _digits(written, 18),
    )


def time(column: str) -> SortValue:
    """A column of moments."""
    return SortValue(
        column,
        lambda event: getattr(event, column),
        F(column),
        DateTimeField(),
        lambda at: f"{(at - EPOCH) // TICK:018}",
        _read_time,
    )


def _read_time(written: str) -> datetime:
    at = EPOCH + timedelta(microseconds=_digits(written, 18))
    if at > LAST:
        raise ValueError(written)
    return at


def _digits(written: str, count: int) -> int:
    if not re.fullmatch(f"[0-9]{{1,{count}}}", written, re.ASCII):
        raise ValueError(written)
    return int(written)


def _write_text(value: str) -> str:
    return value.encode().hex()


def _read_text(written: str) -> str:
    value = bytes.fromhex(written).decode()
    if "\0" in value or len(value) > TEXT_LIMIT:
        raise ValueError(written)
    return value


def _length(event: ExecutionChanged) -> timedelta:
    """The length of an execution as `Length` has it in the database."""
    if event.ended_at is not None:
        return max(event.ended_at - event.started_at, timedelta())
    return UNENDED - (event.started_at - EPOCH)


STARTED = time("started_at")
UPDATED = time("updated_at")
LENGTH = SortValue(
    "length",
    _length,
    Length(),
    DurationField(),
    lambda length: f"{length // TICK:019}",
    lambda written: timedelta(microseconds=_digits(written, 19)),
)
