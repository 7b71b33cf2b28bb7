"""Reading and writing comma-separated text, from and to files and texts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.blocks.clients import FileStore
from flows.blocks.csv.table import TYPES, Dialect, Table, lines, names_in
from flows.blocks.cultures import CULTURE_INFO, culture_info
from flows.blocks.encodings import ENCODING
from flows.blocks.errors import invalid_property
from flows.blocks.files.base import FILE_PATH, OVERWRITE
from flows.blocks.files.text import TextReader, TextWriter
from flows.formats.cultures import Culture
from flows.formats.numbers import format_number
from flows.formats.text import text_of

_HAS_HEADER = Property(
    "Has Header", "Boolean", default=True, description="whether the first row names the columns"
)
_DELIMITER = Property("Delimiter", "String", default=",", required=True, nonempty=True)
_QUOTE = Property("Quote", "String", default='"', advanced=True, required=True, nonempty=True)
_COLUMNS = Property(
    "Columns",
    "IList<String>",
    description="their names; null takes them from the header or the rows",
)
_TYPES = Property(
    "Types",
    "Structure",
    description=(
        f"the type of each column: {', '.join(TYPES)}, or "
        "{Type: Date Time, Format: dd.MM.yyyy}; Text where none is given"
    ),
)
_ROWS_OUT = Property("Rows", "IList<Structure>", Direction.OUTPUT)
_COLUMNS_OUT = Property("Column Names", "IList<String>", Direction.OUTPUT)
_ROWS = Property(
    "Rows", "IList", required=True, description="structures by the names of columns, or lists"
)
_READING = (_HAS_HEADER, _DELIMITER, _COLUMNS, _TYPES, _QUOTE, CULTURE_INFO)
_WRITING = (_HAS_HEADER, _DELIMITER, _COLUMNS, _QUOTE, CULTURE_INFO)


class _CsvBlock(Block):
    palette = "Csv"
    icon = "columns"
    throws: ClassVar[tuple[str, ...]] = ("CsvException",)


def _dialect(inputs: Mapping[str, Any]) -> Dialect:
    return Dialect(inputs["Delimiter"], inputs["Quote"])


def _names(inputs: Mapping[str, Any]) -> list[str] | None:
    names: list[Any] | None = inputs["Columns"]
    if names is None:
        return None
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise invalid_property("Columns", "each must have a name of its own.")
    return names


def _read(text: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of a block that reads a text."""
    signs = culture_info(inputs)
    table = Table(_dialect(inputs), signs, inputs["Has Header"], _names(inputs), inputs["Types"])
    columns, rows = table.read(text)
    return {"Rows": rows, "Column Names": columns}


def _header_and_rows(inputs: Mapping[str, Any]) -> tuple[str, str]:
    """Return the header and the rows of a table as texts."""
    names, rows = _names(inputs), inputs["Rows"]
    names = names_in(rows) if names is None else names
    dialect, signs = _dialect(inputs), culture_info(inputs)
    fields = lines(rows, names, lambda value: _field(value, signs))
    header = dialect.format_rows([names]) if inputs["Has Header"] and names else ""
    return header, dialect.format_rows(fields)


def _field(value: Any, signs: Culture) -> str:
    """Return a value as it can be read again: date times in the ISO form, `true`, numbers with all
    digits."""
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat()
        case float():
            return format_number(value, "R", signs)
    return text_of(value, signs)


class ConvertCsvToList(_CsvBlock):
    """Turns comma-separated text into a list with a structure for each row. An empty field is null,
    except in a column of Text."""

    type = "Convert Csv To List"
    properties = (Property("Csv", "String", required=True), *_READING, _ROWS_OUT, _COLUMNS_OUT)

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs=_read(visit.inputs["Csv"], visit.inputs))


class ConvertListToCsv(_CsvBlock):
    """Turns rows into comma-separated text. Lines end with CR and LF, as RFC 4180 has it."""

    type = "Convert List To Csv"
    properties = (_ROWS, *_WRITING, Property("Csv", "String", Direction.OUTPUT))

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Csv": "".join(_header_and_rows(visit.inputs))})


class ReadCsvFile(TextReader):
    """Reads a file of comma-separated text as a list with a structure for each row. An empty field
    is null, except in a column of Text."""

    type = "Read Csv File"
    palette = "Csv"
    icon = "columns"
    properties = (FILE_PATH, *_READING, ENCODING, _ROWS_OUT, _COLUMNS_OUT)
    throws = ("CsvException", "OperationFailedException")

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> Mapping[str, Any]:
        return _read(self.text(path, inputs, files), inputs)


class WriteCsvFile(TextWriter):
    """Writes rows to a file of comma-separated text, or appends them when Overwrite is false; the
    header begins a file that is empty or new. On a full disk what was in the file stays."""

    type = "Write Csv File"
    palette = "Csv"
    icon = "columns"
    properties = (FILE_PATH, _ROWS, *_WRITING, OVERWRITE, ENCODING)
    throws = ("CsvException", "OperationFailedException")

    def text(self, inputs: Mapping[str, Any]) -> tuple[str, str]:
        return _header_and_rows(inputs)
