"""Comma-separated text: rows and their columns, the types of columns, and errors by their line."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flows.blocks.errors import BlockException, exception, invalid_property
from flows.formats.cultures import Culture
from flows.formats.dates import parse_any_date, parse_date
from flows.values import article, type_name

# A field may be as long as a file.
csv.field_size_limit(1 << 30)

_TRUE = {"true", "yes", "1"}
_FALSE = {"false", "no", "0"}


def malformed(line: int, problem: str, column: str | None = None) -> BlockException:
    """A text that is no table, or a value that is none of its column's type."""
    place = f"Line {line:,}, column {column}" if column else f"Line {line:,}"
    return exception("CsvException", f"{place}: {problem}", extra={"Line": line, "Column": column})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table is written: what divides its fields, and what encloses them."""

    delimiter: str = ","
    quote: str = '"'

    def __post_init__(self) -> None:
        """Raises InvalidPropertyValueException as a BlockException."""
        for name, sign in (("Delimiter", self.delimiter), ("Quote", self.quote)):
            if len(sign) != 1 or sign in "\r\n\0":
                raise invalid_property(name, "it must be one character, and no line end.")
        if self.delimiter == self.quote:
            raise invalid_property("Quote", "it is the Delimiter.")

    def rows(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """Yield the fields of each row with the line where it begins; blank lines are left out.
        Raises CsvException as a BlockException."""
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=self.delimiter,
            quotechar=self.quote,
            strict=True,
        )
        line = 1
        try:
            for fields in reader:
                if fields:
                    yield line, fields
                line = reader.line_num + 1
        except csv.Error as problem:
            told = f"The fields cannot be told apart: {problem}."
            if "unexpected end" in str(problem):
                told = f"A field begins with {self.quote} and does not end."
            raise malformed(line, told) from None

    def format_rows(self, rows: list[list[str]]) -> str:
        """Return rows as text. Fields are enclosed where it is needed."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self.delimiter, quotechar=self.quote)
        writer.writerows(rows)
        return text.getvalue()


# Types ----------------------------------------------------------------------------------------

Convert = Callable[[str, Culture], Any]


def _integer(text: str, signs: Culture) -> int:
    plain = _plain(text, signs)
    if not re.fullmatch(r"[+-]?[0-9]{1,1000}", plain):
        raise ValueError
    return int(plain)


def _number(text: str, signs: Culture) -> float:
    plain = _plain(text, signs)
    if not re.fullmatch(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,5})?", plain):
        raise ValueError
    return float(plain)


def _plain(text: str, signs: Culture) -> str:
    """Return a number without its groups of thousands, and with a point."""
    group, point = re.escape(signs.group), re.escape(signs.decimal)
    grouped = re.fullmatch(rf"([+-]?[0-9]{{1,3}}(?:{group}[0-9]{{3}})+)({point}[0-9]*)?", text)
    if grouped:
        text = grouped[1].replace(signs.group, "") + (grouped[2] or "")
    if signs.decimal != ".":
        # A point would be one of thousands there.
        text = text.replace(".", "?").replace(signs.decimal, ".")
    return text


def _boolean(text: str, _: Culture) -> bool:
    if text.casefold() in _TRUE | _FALSE:
        return text.casefold() in _TRUE
    raise ValueError


def _moment(pattern: str | None) -> Convert:
    def convert(text: str, signs: Culture) -> datetime:
        return parse_date(text, pattern, signs) if pattern else parse_any_date(text, signs)

    return convert


_CONVERT: dict[str, Convert] = {
    "Text": lambda text, _: text,
    "Integer": _integer,
    "Number": _number,
    "Boolean": _boolean,
    "Date Time": _moment(None),
}
TYPES = tuple(_CONVERT)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, and the type that its fields have."""

    name: str
    type: str = "Text"
    pattern: str | None = None

    def value(self, text: str, line: int, signs: Culture) -> Any:
        """Return a field as a value; an empty one is null, except in a column of Text. Raises
        CsvException as a BlockException."""
        if self.type == "Text":
            return text
        stripped = text.strip()
        if not stripped:
            return None
        convert = _moment(self.pattern) if self.pattern else _CONVERT[self.type]
        try:
            return convert(stripped, signs)
        except ValueError:
            shown = stripped if len(stripped) <= 80 else f"{stripped[:80]}…"
            told = f"'{shown}' is not {article(self.type)}."
            raise malformed(line, told, self.name) from None


def columns_of(names: list[str], types: Mapping[Any, Any] | None) -> list[Column]:
    """Return columns of those names, with the types that a property Types gives: a type, or a
    structure of Type and Format. Raises InvalidPropertyValueException as a BlockException."""
    unused = dict(types or {})
    found = [_column(name, unused.pop(name, None)) for name in names]
    if unused:
        told = f"there is no column {next(iter(unused))}; there are {', '.join(names)}."
        raise invalid_property("Types", told)
    return found


def _column(name: str, type_: Any) -> Column:
    kind, pattern = type_, None
    if isinstance(type_, dict):
        kind, pattern = type_.get("Type"), type_.get("Format")
    if kind is None:
        return Column(name)
    if kind not in TYPES:
        raise invalid_property("Types", f"{name} must be one of {', '.join(TYPES)}.")
    if pattern is not None and (kind != "Date Time" or not isinstance(pattern, str)):
        raise invalid_property("Types", f"{name} has a Format, which only a Date Time can have.")
    return Column(name, kind, pattern)


# Tables ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """How a table is read: with `names` instead of those in its header; without header and names
    the columns are called Column1 and so on."""

    dialect: Dialect
    signs: Culture
    has_header: bool
    names: list[str] | None
    types: Mapping[Any, Any] | None

    def read(self, text: str) -> tuple[list[str], list[dict[str, Any]]]:
        """Return the names of the columns, and the rows. Raises CsvException and
        InvalidPropertyValueException as a BlockException."""
        rows = list(self.dialect.rows(text))
        if not rows:
            return (self.names or []), []
        header = self._header(*rows[0])
        columns = columns_of(header, self.types)
        rows = rows[1:] if self.has_header else rows
        return header, [_row(line, fields, columns, self.signs) for line, fields in rows]

    def _header(self, line: int, fields: list[str]) -> list[str]:
        if self.names:
            return self.names
        if not self.has_header:
            return [f"Column{number}" for number in range(1, len(fields) + 1)]
        header = [field.strip() for field in fields]
        _require_names(header, line)
        return header


def _require_names(header: list[str], line: int) -> None:
    for number, name in enumerate(header, 1):
        if not name:
            raise malformed(line, f"Column {number} has no name.")
        if header.index(name) != number - 1:
            raise malformed(line, f"Two columns are called {name}.", name)


def _row(line: int, fields: list[str], columns: list[Column], signs: Culture) -> dict[str, Any]:
    if len(fields) != len(columns):
        wanted = f"{len(columns):,} column{'s' * (len(columns) != 1)}"
        raise malformed(line, f"There are {len(fields):,} fields, but {wanted}.")
    return {
        column.name: column.value(field, line, signs)
        for column, field in zip(columns, fields, strict=True)
    }


def names_in(rows: list[Any]) -> list[str]:
    """Return the keys of rows in the order in which they come."""
    names: dict[str, None] = {}
    for row in rows:
        if isinstance(row, dict):
            names |= dict.fromkeys(map(str, row))
    return list(names)


def lines(rows: list[Any], names: list[str], text_of: Callable[[Any], str]) -> list[list[str]]:
    """Return the fields of rows: structures by those names, or lists. Raises CsvException as a
    BlockException, with the number of the row as its line."""
    return [_fields(number, row, names, text_of) for number, row in enumerate(rows, 1)]


def _fields(number: int, row: Any, names: list[str], text_of: Callable[[Any], str]) -> list[str]:
    if isinstance(row, list):
        if names and len(row) != len(names):
            raise malformed(number, f"The row has {len(row):,} values, but {len(names):,} columns.")
        cells = list(zip(names or map(str, range(1, len(row) + 1)), row, strict=True))
    elif isinstance(row, dict):
        unknown = [str(key) for key in row if key not in names]
        if unknown:
            raise malformed(number, f"There is no column {unknown[0]}.", unknown[0])
        cells = [(name, row.get(name)) for name in names]
    else:
        raise malformed(number, f"It is {article(type_name(row))}, and no row.")
    for name, value in cells:
        if isinstance(value, list | dict):
            told = f"{article(type_name(value))} does not fit into a field."
            raise malformed(number, told, name)
    return [text_of(value) for _, value in cells]
