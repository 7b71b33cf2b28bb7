"""Regular expressions, in the notation of the original (.NET)."""

import re
from typing import Any

import regex

from flows.blocks.errors import exception

#: What .NET writes otherwise than the library, and what the library would take for its own: a brace
#: that is no quantifier stands for itself.
_NOTATION = re.compile(
    r"""
    \\k(?:<(?P<group>\w+)>|'(?P<quoted>\w+)')
    | \(\?'(?P<named>\w+)'
    | \\c(?P<control>[@-_a-z])
    | (?P<condition>\(\?\()(?!\w+\)|\?)
    | (?P<category>\\[pP]\{[^}]*\})
    | (?P<brace>\{)(?!\d+(?:,\d*)?\})
    | \\(?P<escaped>.)
    """,
    re.S | re.X,
)
_ESCAPES = {"e": r"\x1b", "z": r"\Z", "Z": r"(?=\n?\Z)"}


#: What matters for the numbers of groups: a reference by a number, what stands for itself, and how
#: a named or another group begins.
_NUMBERING = re.compile(
    r"\\([1-9]\d?)|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(\(\?(?:P?<(?![=!])|'))|(\((?!\?))", re.S
)


def compiled(pattern: str, name: str | None = None, flags: int = 0) -> Any:
    """Return a compiled expression; messages say whose it is when it has a
    `name`. Raises RegexParsingFailedException as a BlockException."""
    called = f"of {name}" if name else pattern
    try:
        return regex.compile(_NOTATION.sub(_translated, _renumbered(pattern)), flags)
    except regex.error as problem:
        raise exception(
            "RegexParsingFailedException",
            f"The regular expression {called} cannot be read: {problem}.",
            extra={"RegexParseExceptions": {pattern: str(problem)}},
        ) from None


def _renumbered(pattern: str) -> str:
    """A pattern with references by number as the library counts groups: all from left to right.
    .NET counts those without a name first."""
    unnamed: list[int] = []
    named: list[int] = []
    for number, group in enumerate(
        (found for found in _NUMBERING.finditer(pattern) if found[2] or found[3]), 1
    ):
        (named if group[2] else unnamed).append(number)
    numbers = dict(enumerate(unnamed + named, 1))
    if not named:
        return pattern

    def reference(found: re.Match[str]) -> str:
        number = numbers.get(int(found[1])) if found[1] else None
        return found[0] if number is None else rf"\g<{number}>"

    return _NUMBERING.sub(reference, pattern)


def _translated(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    part = found[kind]
    match kind:
        case "group" | "quoted":
            return rf"\g<{part}>"
        case "named":
            return f"(?<{part}>"
        case "control":
            return rf"\x{ord(part) & 0x1F:02x}"
        case "condition":
            return "(?(?="
        case "brace":
            return r"\{"
    return _ESCAPES.get(part, found[0])
