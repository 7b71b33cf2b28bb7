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
from flows.blocks.errors import BlockException, exception

SEARCH = SEARCH_OPTIONS.property("Search Options", "LiteralText")
COMPARISON = STRING_COMPARISON.property("Comparison Type", "Ordinal")
THROWS = ("ArgumentException", "RegexMatchTimeoutException", "RegexParsingFailedException")
#: The longest that a search may take, in seconds.
SECONDS = 30.0

_PATTERN_SIGN = re.compile(r"\\(.)|([*?])", re.S)


class Search:
    """How a block searches, from its Search Options and Comparison Type."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        """Raises ArgumentException as a BlockException."""
        self.option = SEARCH_OPTIONS.member("Search Options", given["Search Options"])
        comparison = STRING_COMPARISON.member("Comparison Type", given["Comparison Type"])
        self._flags = regex.IGNORECASE if comparison.endswith("IgnoreCase") else 0

    def source(self, text: str) -> str:
        """Return the regular expression for what is searched for."""
        match self.option:
            case "Regex":
                return text
            case "PatternMatching":
                return _from_pattern(text)
        return regex.escape(text)

    def compiled(self, source: str) -> Any:
        """Return a compiled expression. Raises RegexParsingFailedException as a BlockException."""
        try:
            return regex.compile(source, self._flags)
        except regex.error as problem:
            raise exception(
                "RegexParsingFailedException",
                f"The regular expression {source} cannot be read: {problem}.",
                extra={"RegexParseExceptions": {source: str(problem)}},
            ) from None

    def indexes(self, text: str, wanted: str) -> list[int]:
        """Return where what is searched for stands. Literal texts may overlap (semantics 116).
        Raises BlockException."""
        if not text or not wanted:
            return []
        overlapped = self.option == "LiteralText"
        expression = self.compiled(self.source(wanted))
        return [found.start() for found in matches(expression, text, overlapped=overlapped)]

    def in_each(self, texts: list[str], wanted: str) -> list[list[Any]]:
        """Return the matches in each text, which may take as long together as in one. Literal texts
        may overlap. Raises BlockException."""
        overlapped = self.option == "LiteralText"
        expression = self.compiled(self.source(wanted))
        until = time.monotonic() + SECONDS
        return [matches(expression, text, overlapped=overlapped, until=until) for text in texts]


def matches(
    expression: Any, text: str, *, overlapped: bool = False, until: float | None = None
) -> list[Any]:
    """Return the matches that are not empty, before `until` on the monotonic clock. Raises
    RegexMatchTimeoutException as a BlockException."""
    seconds = SECONDS if until is None else max(0.001, until - time.monotonic())
    try:
        found = expression.finditer(text, overlapped=overlapped, timeout=seconds)
        return [one for one in found if one.end() > one.start()]
    except TimeoutError:
        raise timed_out() from None


def timed_out() -> BlockException:
    return exception(
        "RegexMatchTimeoutException", f"The search took longer than {SECONDS:g} seconds."
    )


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


def found_in(text: str | None, given: Mapping[str, Any]) -> list[Any]:
    """Return the matches of a Text To Find: its parts in their order, joined by blanks at most
    (semantics 117). Raises BlockException."""
    search, wanted = Search(given), given["Text To Find"] or {}
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
    return matches(search.compiled(r"\s*?".join(parts)), text)


def described(match: Any) -> dict[str, Any]:
    """Return a match as a structure: Value, Index, Length and its Groups, "0" for the whole."""
    names = {number: name for name, number in match.re.groupindex.items()}
    numbers = [n for n in range(1, match.re.groups + 1) if n not in names]
    groups = {"0": _group(match, 0)}
    groups |= {str(place): _group(match, n) for place, n in enumerate(numbers, 1)}
    groups |= {name: _group(match, number) for number, name in sorted(names.items())}
    whole = {"Value": match[0], "Index": match.start(), "Length": match.end() - match.start()}
    return whole | {"Groups": groups}


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
