"""Searching the lines of text files."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flows.blocks.base import Direction, Effect, Property
from flows.blocks.clients import FileStore
from flows.blocks.encodings import ENCODING, decode, encoding_of
from flows.blocks.files.base import FILE_PATH, FILE_PATHS, FilesBlock, ManyPaths, OnePath
from flows.blocks.files.text import lines_of
from flows.blocks.text.search import COMPARISON, SEARCH, THROWS, Search, match_structure

_PATTERN = Property("Search Pattern", "String", default="")


class _Searches(FilesBlock):
    """Finds a text, pattern or regular expression in the lines of a file. An empty pattern matches
    every line. Literal texts may overlap."""

    done = "searched"
    effect = Effect.REPEATABLE
    throws: ClassVar[tuple[str, ...]] = ("OperationFailedException", *THROWS)

    def prepare(self, inputs: Mapping[str, Any], files: FileStore) -> None:
        search = Search(inputs)
        search.compiled(search.source(inputs["Search Pattern"] or ""))
        encoding_of(inputs["Encoding"])

    def found(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> list[dict[str, Any]]:
        """Return the matches in a file."""
        text = decode(files.read(path), encoding_of(inputs["Encoding"]))
        lines, pattern = lines_of(text), inputs["Search Pattern"] or ""
        if not pattern:
            return [_match(path, number, line, 0, {}) for number, line in enumerate(lines, 1)]
        return [
            _match(path, number, match[0], match.start(), _groups(match))
            for number, found in enumerate(Search(inputs).in_each(lines, pattern), 1)
            for match in found
        ]


def _match(path: str, line: int, value: str, index: int, groups: dict[str, Any]) -> dict[str, Any]:
    return {
        "FilePath": path,
        "Line": line,
        "Value": value,
        "Index": index,
        "Length": len(value),
        "Groups": groups,
    }


def _groups(match: Any) -> dict[str, Any]:
    """Return the groups of a regular expression by their names, without that of the whole match."""
    groups = dict(match_structure(match)["Groups"]) if match.re.groups else {}
    groups.pop("0", None)
    return groups


class SearchFile(_Searches, OnePath):
    """Finds a text, pattern or regular expression in the lines of a file. An empty pattern matches
    every line whole."""

    type = "Search File"
    properties = (
        FILE_PATH, _PATTERN, SEARCH, ENCODING, COMPARISON,
        Property("Matches", "IList<FileMatch>", Direction.OUTPUT),
    )  # fmt: skip

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> Mapping[str, Any]:
        return {"Matches": self.found(path, inputs, files)}


class SearchFiles(_Searches, ManyPaths):
    """Finds a text, pattern or regular expression in the lines of files. An empty pattern matches
    every line whole. Matches has a key for each file."""

    type = "Search Files"
    properties = (
        FILE_PATHS, _PATTERN, SEARCH, ENCODING, COMPARISON,
        Property("Matches", "IDictionary<String, IList<FileMatch>>", Direction.OUTPUT),
    )  # fmt: skip

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> list[dict[str, Any]]:
        return self.found(path, inputs, files)

    def outputs(self, found: dict[str, Any]) -> Mapping[str, Any]:
        return {"Matches": found}
