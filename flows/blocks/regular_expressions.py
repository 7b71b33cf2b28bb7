"""Regular expressions, in the notation of the original (.NET)."""

import re
from typing import Any

import regex

from flows.blocks.errors import exception

#: What .NET writes otherwise than the library: `\\k<name>`, `(?'name'…)`, `\\e`, `\\z` and `\\Z`.
_NOTATION = re.compile(r"\\k(?:<(\w+)>|'(\w+)')|\(\?'(\w+)'|\\(.)", re.S)
_ESCAPES = {"e": r"\x1b", "z": r"\Z", "Z": r"(?=\n?\Z)"}


def compiled(pattern: str, name: str | None = None, flags: int = 0) -> Any:
    """Return a compiled expression; messages say whose it is when it has a
    `name`. Raises RegexParsingFailedException as a BlockException."""
    called = f"of {name}" if name else pattern
    try:
        return regex.compile(_NOTATION.sub(_translated, pattern), flags)
    except regex.error as problem:
        raise exception(
            "RegexParsingFailedException",
            f"The regular expression {called} cannot be read: {problem}.",
            extra={"RegexParseExceptions": {pattern: str(problem)}},
        ) from None


def _translated(found: re.Match[str]) -> str:
    if referenced := found[1] or found[2]:
        return rf"\g<{referenced}>"
    if found[3]:
        return f"(?<{found[3]}>"
    return _ESCAPES.get(found[4], found[0])
