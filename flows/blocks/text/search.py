"""Searching in texts: literally, by regular expressions, and by patterns with `*` and `?`.

A pattern's `*` stands for any number of characters, its `?` for none or one; a backslash makes
either a character (semantics 115).
"""

import re
import time
from collections.abc import Mapping
from typing import Any

import regex

from flows.blocks.base import Property
from flows.blocks.enumerations import SEARCH_OPTIONS, STRING_COMPARISON
from flows.blocks.errors import exception
from flows.blocks.regular_expressions import compiled

SEARCH = SEARCH_OPTIONS.property("Search Options", "LiteralText")
COMPARISON = STRING_COMPARISON.property("Comparison Type", "Ordinal")
THROWS = ("ArgumentException", "RegexMatchTimeoutException", "RegexParsingFailedException")
#: The longest that a search may take, in seconds; in memory the visit may end before.
SECONDS = 30.0

_PATTERN_SIGN = re.compile(r"\\(.)|([*?])", re.S)


class Search:
    """How a block searches, from its Search Options and Comparison Type."""

    def __init__(self, inputs: Mapping[str, Any], seconds: float = SECONDS) -> None:
        """`seconds` is how long it may take. Raises ArgumentException as a BlockException."""
        self.seconds = min(seconds, SECONDS)
        self._until = time.monotonic() + self.seconds
        self.option = SEARCH_OPTIONS.member("Search Options", inputs["Search Options"])
        comparison = STRING_COMPARISON.member("Comparison Type", inputs["Comparison Type"])
        self._flags = regex.IGNORECASE if comparison.endswith("IgnoreCase") else 0
        self._compiled: dict[str, Any] = {}

    def source(self, text: str) -> str:
        """Return the regular expression for what is searched for."""
        match self.option:
            case "Regex":
                return text
            case "PatternMatching":
                return _from_pattern(text)
        return regex.escape(text)

    def compiled(self, source: str) -> Any:
        """Return a compiled expression, which is kept, as a file has many lines. Raises
        RegexParsingFailedException as a BlockException."""
        if source not in self._compiled:
            self._compiled[source] = compiled(source, flags=self._flags)
        return self._compiled[source]

    def indexes(self, text: str | None, wanted: str | None) -> list[int]:
        """Return where what is searched for stands. Literal texts may overlap (semantics 116).
        Raises BlockException."""
        if not text or not wanted:
            return []
        return [found.start() for found in self.matches(self.source(wanted), text)]

    def in_each(self, texts: list[str], wanted: str) -> list[list[Any]]:
        """Return the matches in each text, which may take as long together as in one. Literal texts
        may overlap. Raises BlockException."""
        self._until = time.monotonic() + self.seconds
        source = self.source(wanted)
        return [self.matches(source, text) for text in texts]

    def matches(self, source: str, text: str, *, overlapped: bool | None = None) -> list[Any]:
        """Return the matches that are not empty; those of literal texts overlap unless told
        otherwise. Raises RegexParsingFailedException and RegexMatchTimeoutException as a
        BlockException."""
        if overlapped is None:
            overlapped = self.option == "LiteralText"
        expression, left = self.compiled(source), max(0.001, self._until - time.monotonic())
        try:
            found = expression.finditer(text, overlapped=overlapped, timeout=left)
            return [one for one in found if one.end() > one.start()]
        except TimeoutError:
            told = f"The search took longer than {self.seconds:g} seconds."
            raise exception("RegexMatchTimeoutException", told) from None


def _from_pattern(text: str) -> str:
    parts, at = [], 0
    for found in _PATTERN_SIGN.finditer(text):
        parts.append(regex.escape(text[at : found.start()]))
        parts.append(regex.escape(found[1]) if found[1] else {"*": ".*", "?": ".?"}[found[2]])
        at = found.end()
    return "".join([*parts, regex.escape(text[at:])])


TEXT_TO_FIND = Property(
    "Text To Find",
    "TextToFind",
    default={"StartsWith": "", "Contains": "", "EndsWith": ""},
    description="StartsWith, Contains and EndsWith; blanks may stand between them",
)
_PARTS = {"StartsWith": "startsWith", "Contains": "contains", "EndsWith": "endsWith"}


def found_in(text: str | None, inputs: Mapping[str, Any], seconds: float) -> list[Any]:
    """Return the matches of a Text To Find: its parts in their order, joined by blanks at most
    (semantics 117). Raises BlockException."""
    search, wanted = Search(inputs, seconds), inputs["Text To Find"] or {}
    parts = [
        f"(?P<{group}>{search.source(wanted[part])})"
        for part, group in _PARTS.items()
        if wanted.get(part)
    ]
    if not text or not parts:
        return []
    for part in _PARTS:
        if wanted.get(part):
            search.compiled(search.source(wanted[part]))
    return search.matches(r"\s*?".join(parts), text, overlapped=False)


def match_structure(match: Any) -> dict[str, Any]:
    """Return a match as a structure: Value, Index, Length and its Groups, "0" for the whole."""
    names = {number: name for name, number in match.re.groupindex.items()}
    numbers = [n for n in range(1, match.re.groups + 1) if n not in names]
    groups = {"0": _group(match, 0)}
    groups |= {str(place): _group(match, n) for place, n in enumerate(numbers, 1)}
    groups |= {name: _group(match, number) for number, name in sorted(names.items())}
    whole = {"Value": match[0], "Index": match.start(), "Length": match.end() - match.start()}
    return whole | {"Groups": groups}


def last_group(match: Any) -> str:
    """Return the text of the last group of the expressions themselves that took part in a match;
    "" without one."""
    groups = list(match_structure(match)["Groups"].items())[1:]
    taken = [
        group["Value"]
        for name, group in groups
        if group["Captures"] and name not in _PARTS.values()
    ]
    return str(taken[-1]) if taken else ""


def _group(match: Any, number: int) -> dict[str, Any]:
    captures = [
        {"Value": match.string[start:end], "Index": start, "Length": end - start}
        for start, end in match.spans(number)
        if start >= 0
    ]
    first, last = (captures[0], captures[-1]) if captures else ({}, {})
    return {
        "Value": last.get("Value", ""),
        "Index": first.get("Index", 0),
        "Length": last.get("Length", 0),
        "Captures": captures,
    }
