"""The typed query: words, and fields with their values. Pure.

    status:error,exception flow:order-* started:>-2h duration>10s var.customer=42
    -trigger:demo workspace:"Send invoices" timed out

A comma parts alternatives, quotation marks keep spaces, commas and colons together, a minus before
a field turns it around. Whatever belongs to no field is searched for.
"""

import re
from dataclasses import dataclass

from executions.grid.fields import Kind, field_of
from executions.grid.terms import NEEDS_QUOTES, in_quotes, unknown_field

#: Characters of a query; longer ones are cut.
TEXT_LIMIT = 2000
ENDS_NAME = re.compile(r'[\s,"\\:=<>!]')


@dataclass(frozen=True)
class Said:
    """A field that was named and its values; `raw` is how it was written."""

    raw: str
    key: str
    values: tuple[str, ...]
    negated: bool = False


def split(text: str) -> tuple[list[Said], list[str]]:
    """The fields that a query names, in their order, and its other words."""
    said: list[Said] = []
    rest: list[str] = []
    for token in _tokens(text[:TEXT_LIMIT]):
        found = _said(token)
        if found is None:
            rest.extend("".join(char for char, _ in token).split())
        else:
            said.append(found)
    return said, rest


def write(key: str, values: tuple[str, ...], negated: bool = False) -> str:
    """How a field and its values are typed."""
    field = field_of(key)
    sign = "-" if negated else ""
    if field is not None and field.kind is Kind.VARIABLE:
        name = _name(key)
        return " ".join(f"{sign}{name}{_compared(value)}" for value in values)
    if field is None or field.kind.alternatives:
        return f"{sign}{key}:{','.join(map(quoted, values))}"
    return " ".join(f"{sign}{key}:{quoted(value)}" for value in values)


def write_words(words: str) -> str:
    """How words that are searched for are typed."""
    written = []
    for word in words.split():
        said, rest = split(word)
        written.append(word if not said and rest == [word] else in_quotes(word))
    return " ".join(written)


def quoted(value: str) -> str:
    """A value, in quotation marks where it would not stay together without."""
    return in_quotes(value) if not value or NEEDS_QUOTES.search(value) else value


def _name(key: str) -> str:
    prefix, _, path = key.partition(".")
    return f"{prefix}.{in_quotes(path) if ENDS_NAME.search(path) else path}"


def _compared(value: str) -> str:
    if value.startswith((">", "<", "!=")):
        sign = re.match(r"[<>!]=?", value)
        assert sign is not None
        return sign[0] + _literal(value[sign.end() :])
    return "=" + _literal(value)


def _literal(text: str) -> str:
    # One in quotation marks is a text for certain, and stays in them.
    return text if text.startswith('"') else quoted(text)


Token = list[tuple[str, bool]]


def _tokens(text: str) -> list[Token]:
    """The parts between spaces: their characters, and whether each stood in quotation marks."""
    tokens: list[Token] = []
    token: Token = []
    inside = begun = False
    chars = iter(text)
    for char in chars:
        if inside:
            if char == "\\":
                token.append((next(chars, ""), True))
            elif char == '"':
                inside = False
            else:
                token.append((char, True))
        elif char == '"':
            inside = begun = True
        elif char.isspace():
            if token or begun:
                tokens.append(token)
            token, begun = [], False
        else:
            token.append((char, False))
    if token or begun:
        tokens.append(token)
    return tokens


def _said(token: Token) -> Said | None:
    at = next((n for n, (char, inside) in enumerate(token) if not inside and char in ":=<>!"), None)
    if not at or token[0][1]:
        return None
    name = "".join(char for char, _ in token[:at])
    negated = name.startswith("-")
    key = name[1:] if negated else name
    field = field_of(key)
    if field is None and not unknown_field(key):
        return None
    sign = token[at][0]
    if sign == "!" and (at + 1 >= len(token) or token[at + 1] != ("=", False)):
        return None
    value = token[at:] if sign in "<>!" else token[at + 1 :]
    key = field.key if field else key
    return Said(_raw(token), key, tuple(_values(field is None or field.kind, value)), negated)


def _values(kind: Kind | bool, value: Token) -> list[str]:
    if kind is Kind.VARIABLE:
        return [_variable(value)]
    if isinstance(kind, Kind) and not kind.alternatives and kind is not Kind.FLAG:
        return ["".join(char for char, _ in value)]
    values = [""]
    for char, inside in value:
        if char == "," and not inside:
            values.append("")
        else:
            values[-1] += char
    return values


def _variable(value: Token) -> str:
    """A variable's value keeps its quotation marks: "42" is a text, 42 a number too."""
    sign = 0
    while sign < len(value) and not value[sign][1] and value[sign][0] in "<>!=":
        sign += 1
    before = "".join(char for char, _ in value[:sign])
    text = "".join(char for char, _ in value[sign:])
    is_text = any(inside for _, inside in value[sign:])
    return before + (in_quotes(text) if is_text else text)


def _raw(token: Token) -> str:
    """How a token may be written again."""
    raw = ""
    for inside, run in _runs(token):
        raw += in_quotes(run) if inside else run
    return raw


def _runs(token: Token) -> list[tuple[bool, str]]:
    runs: list[tuple[bool, str]] = []
    for char, inside in token:
        if runs and runs[-1][0] == inside:
            runs[-1] = (inside, runs[-1][1] + char)
        else:
            runs.append((inside, char))
    return runs
