"""What the drivers of databases have in common: statements with places, rows, limits."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Any, Protocol

from executions.limits import SQL_BYTES, SQL_ROWS
from flows.blocks.clients import Bound, DataProblem, Executed, Statement


class Code(IntEnum):
    """Codes of CommandException."""

    CONNECTION = 1000
    INVALID = 2000
    PARAMETER_TYPE = 2003
    RUNTIME = 3000


#: How the styles of PEP 249 write the place of the parameter with that number.
_PLACES: dict[str, Callable[[int], str]] = {
    "qmark": lambda number: "?",
    "format": lambda number: "%s",
    "pyformat": lambda number: f"%(p{number})s",
    "numeric": lambda number: f":{number}",
    "named": lambda number: f":p{number}",
}
_BY_NAME = frozenset({"pyformat", "named"})


class Session(Protocol):
    """A connection in a transaction. Raises DataProblem."""

    def renew(self, statements: Sequence[Statement], until: float) -> None:
        """Begin another transaction, for these statements, which is given up at a moment."""

    def execute(self, statement: Statement, index: int) -> Executed:
        """Run a statement, which is the one with that index."""

    def commit(self) -> None:
        """Keep what was done."""

    def undo(self) -> None:
        """Undo what was done since the transaction began, for another one to begin."""

    def close(self) -> None:
        """Undo what was not kept, and close the connection."""


def written(
    statement: Statement,
    style: str,
    convert: Callable[[Any], Any] = lambda value: value,
    *,
    quotes_stay: bool = False,
) -> tuple[str, list[Any] | dict[str, Any]]:
    """Return a statement as a driver of that style takes it, and the values of its parameters.
    With `quotes_stay` the driver looks for no places in quoted texts."""
    place = _PLACES[style]
    texts: list[str] = []
    values: list[Any] = []
    for part in statement.parts:
        if isinstance(part, Bound):
            values.append(convert(part.value))
            texts.append(place(len(values)))
        else:
            stays = "format" not in style or (quotes_stay and _is_quoted(part))
            texts.append(part if stays else part.replace("%", "%%"))
    sql = "".join(texts).strip()
    if style in _BY_NAME:
        return sql, {f"p{number}": value for number, value in enumerate(values, 1)}
    return sql, values


def _is_quoted(part: str) -> bool:
    """Whether a part of a statement is a quoted text or name: these are parts of their own."""
    return part.endswith(("'", '"')) or (part.startswith("$$") and part.endswith("$$"))


class Rows:
    """Collects the rows of one block, within its limits."""

    def __init__(self) -> None:
        self._rows = 0
        self._bytes = 0

    def collect(
        self, columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> list[dict[str, Any]]:
        """Return rows as structures. Raises DataProblem beyond SQL_ROWS and SQL_BYTES."""
        names = _unique(columns)
        found = []
        for row in rows:
            structure = dict(zip(names, map(plain, row), strict=True))
            self._rows += 1
            self._bytes += _size(structure)
            if self._rows > SQL_ROWS:
                raise DataProblem(Code.RUNTIME, f"it gives more than {SQL_ROWS:,} rows.")
            if self._bytes > SQL_BYTES:
                raise DataProblem(Code.RUNTIME, f"it gives more than {SQL_BYTES:,} bytes.")
            found.append(structure)
        return found


def _unique(columns: Sequence[str]) -> list[str]:
    """The names of columns; one that comes again has its number: Name_2."""
    names: list[str] = []
    for column in columns:
        name, number = column, 1
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names


def _size(value: Any) -> int:
    if isinstance(value, str | bytes):
        return len(value) + 8
    if isinstance(value, dict):
        return 16 + sum(len(str(key)) + _size(item) for key, item in value.items())
    if isinstance(value, list):
        return 16 + sum(map(_size, value))
    return 8


def plain(value: Any) -> Any:
    """Return what a driver gave as a value of flows: decimal numbers as Numbers, or as texts where
    no Number is the same; a date as the moment at which it begins; what has no kind of its own as
    text."""
    match value:
        case None | bool() | int() | float() | str() | bytes() | datetime() | timedelta():
            return value
        case Decimal():
            return _number(value)
        case memoryview() | bytearray():
            return bytes(value)
        case date():
            return datetime(value.year, value.month, value.day)
        case list() | tuple():
            return [plain(item) for item in value]
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case time() | uuid.UUID():
            return str(value)
    return str(value)


def _number(value: Decimal) -> float | str:
    number = float(value)
    return number if not value.is_finite() or Decimal(repr(number)) == value else str(value)
