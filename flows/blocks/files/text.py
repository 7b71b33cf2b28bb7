"""Whole text files, and their lines."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from flows.blocks.base import Direction, Effect, Property
from flows.blocks.clients import FileStore
from flows.blocks.encodings import ENCODING, decode, encode, encoding_of
from flows.blocks.files.base import FILE_PATH, OVERWRITE, OnePath, require_texts


def lines_of(text: str) -> list[str]:
    """Return the lines of a text. A line end at its end begins no further line."""
    lines = re.split(r"\r\n|\r|\n", text)
    return lines if lines[-1] else lines[:-1]


class TextReader(OnePath):
    """A block that reads a file as text."""

    done = "read"
    effect = Effect.REPEATABLE

    def prepare(self, inputs: Mapping[str, Any], files: FileStore) -> None:
        encoding_of(inputs["Encoding"])

    def text(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> str:
        """Return the text of the file."""
        return decode(files.read(path), encoding_of(inputs["Encoding"]))


class ReadAllText(TextReader):
    """Reads a text file. A byte order mark is left out."""

    type = "Read All Text"
    properties = (FILE_PATH, ENCODING, Property("Text", "String", Direction.OUTPUT))

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> Mapping[str, Any]:
        return {"Text": self.text(path, inputs, files)}


class ReadAllLines(TextReader):
    """Reads the lines of a text file, without their ends. A byte order mark is left out."""

    type = "Read All Lines"
    properties = (FILE_PATH, ENCODING, Property("Lines", "IList<String>", Direction.OUTPUT))

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> Mapping[str, Any]:
        return {"Lines": lines_of(self.text(path, inputs, files))}


class TextWriter(OnePath):
    """A block that writes a text to a file. Overwriting may be done again after a crash; appending
    may not."""

    done = "written"
    effect: ClassVar[Effect] = Effect.ONCE

    def effect_of(self, inputs: Mapping[str, Any]) -> Effect:
        return Effect.REPEATABLE if inputs["Overwrite"] else Effect.ONCE

    def prepare(self, inputs: Mapping[str, Any], files: FileStore) -> None:
        encoding_of(inputs["Encoding"])

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> None:
        encoding = encoding_of(inputs["Encoding"])
        header, body = self.text(inputs)
        data = encode(body, encoding)
        mark = encoding.mark + encode(header, encoding) if header or data else b""
        files.write(path, data, overwrite=inputs["Overwrite"], mark=mark)

    def text(self, inputs: Mapping[str, Any]) -> tuple[str, str]:
        """Return the text that begins a new or empty file, and the text to write."""
        raise NotImplementedError(self.type)


class WriteAllText(TextWriter):
    """Writes a text file, or appends to it when Overwrite is false; the folders on the way are
    made. On a full disk what was in the file stays."""

    type = "Write All Text"
    properties = (FILE_PATH, Property("Text", "String"), OVERWRITE, ENCODING)

    def text(self, inputs: Mapping[str, Any]) -> tuple[str, str]:
        return "", inputs["Text"] or ""


class WriteAllLines(TextWriter):
    """Writes lines to a text file, each with a line end, or appends them when Overwrite is false;
    null is an empty line. The folders on the way are made. On a full disk what was in the file
    stays."""

    type = "Write All Lines"
    properties = (FILE_PATH, Property("Lines", "IEnumerable<String>"), OVERWRITE, ENCODING)

    def prepare(self, inputs: Mapping[str, Any], files: FileStore) -> None:
        super().prepare(inputs, files)
        require_texts("Lines", inputs["Lines"] or ())

    def text(self, inputs: Mapping[str, Any]) -> tuple[str, str]:
        return "", "".join(f"{line or ''}\n" for line in inputs["Lines"] or ())
