"""Whole text files, and their lines."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from flows.blocks.base import Direction, Effect, Property
from flows.blocks.clients import FileStore
from flows.blocks.encodings import ENCODING, decode, encode, encoding_given
from flows.blocks.files.base import FILE_PATH, OVERWRITE, OnePath


def lines_of(text: str) -> list[str]:
    """Return the lines of a text. A line end at its end begins no further line."""
    lines = re.split(r"\r\n|\r|\n", text)
    return lines if lines[-1] else lines[:-1]


class _Reads(OnePath):
    done = "read"
    effect = Effect.REPEATABLE

    def prepare(self, given: Mapping[str, Any], files: FileStore) -> None:
        encoding_given(given["Encoding"])

    def text(self, path: str, given: Mapping[str, Any], files: FileStore) -> str:
        """Return the text of the file."""
        return decode(files.read(path), encoding_given(given["Encoding"]))


class ReadAllText(_Reads):
    """Reads a text file. A byte order mark is left out."""

    type = "Read All Text"
    properties = (FILE_PATH, ENCODING, Property("Text", "String", Direction.OUTPUT))

    def act(self, path: str, given: Mapping[str, Any], files: FileStore) -> Mapping[str, Any]:
        return {"Text": self.text(path, given, files)}


class ReadAllLines(_Reads):
    """Reads the lines of a text file, without their ends. A byte order mark is left out."""

    type = "Read All Lines"
    properties = (FILE_PATH, ENCODING, Property("Lines", "IList<String>", Direction.OUTPUT))

    def act(self, path: str, given: Mapping[str, Any], files: FileStore) -> Mapping[str, Any]:
        return {"Lines": lines_of(self.text(path, given, files))}


class _Writes(OnePath):
    """Overwriting may be done again after a crash; appending may not."""

    done = "written"
    effect: ClassVar[Effect] = Effect.ONCE

    def effect_of(self, given: Mapping[str, Any]) -> Effect:
        return Effect.REPEATABLE if given["Overwrite"] else Effect.ONCE

    def prepare(self, given: Mapping[str, Any], files: FileStore) -> None:
        encoding_given(given["Encoding"])

    def act(self, path: str, given: Mapping[str, Any], files: FileStore) -> None:
        encoding = encoding_given(given["Encoding"])
        data = encode(self.text(given), encoding)
        files.write(path, data, overwrite=given["Overwrite"], mark=encoding.mark if data else b"")

    def text(self, given: Mapping[str, Any]) -> str:
        """Return what is written."""
        raise NotImplementedError(self.type)


class WriteAllText(_Writes):
    """Writes a text file, or appends to it when Overwrite is false; the folders on the way are
    made. On a full disk what was in the file stays."""

    type = "Write All Text"
    properties = (FILE_PATH, Property("Text", "String"), OVERWRITE, ENCODING)

    def text(self, given: Mapping[str, Any]) -> str:
        return given["Text"] or ""


class WriteAllLines(_Writes):
    """Writes lines to a text file, each with a line end, or appends them when Overwrite is false;
    null is an empty line. The folders on the way are made. On a full disk what was in the file
    stays."""

    type = "Write All Lines"
    properties = (FILE_PATH, Property("Lines", "IEnumerable<String>"), OVERWRITE, ENCODING)

    def text(self, given: Mapping[str, Any]) -> str:
        return "".join(f"{line or ''}\n" for line in given["Lines"] or ())
