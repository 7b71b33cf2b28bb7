"""SQL texts: where a statement ends, and where its parameters stand. Pure.

A parameter is never written into a statement: the statement has a place for it, and the driver
sends the value by itself.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from flows.blocks.clients import Bound, DataProblem, Statement
from flows.values import article, summary, type_name

#: Codes of CommandException that are found before a database is asked.
INVALID, IN_BLOCK, SEVERAL, PARAMETER_TYPE, BINDING = 2000, 2001, 2002, 2003, 3001
#: What a statement is made of: quoted texts and names and comments, in which nothing is looked for;
#: operators with a colon or at sign; parameters; the end.
_TOKEN = re.compile(
    r"""
    (?P<plain>
        (?<!\w)[eE]'(?:[^'\\]|\\.|'')*'
      | '(?:[^']|'')*'
      | "(?:[^"]|"")*"
      | `[^`]*`
      | (?<!\w)\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$
      | ::|@@|:=
    )
  | (?P<comment>--[^\n]*|/\*.*?\*/)
  | (?<![\w@:])[@:](?P<name>[A-Za-z_]\w*)
  | (?P<end>;)
    """,
    re.DOTALL | re.VERBOSE,
)
#: A trigger of SQLite holds statements, each with its own end.
_TRIGGER = re.compile(r"\s*CREATE\s+(?:TEMP\w*\s+)?TRIGGER\b.*\bBEGIN\b", re.I | re.S)
_TRIGGER_END = re.compile(r"\bEND\s*$", re.I)
#: A block's statements are one transaction, which is its own.
_TRANSACTION = re.compile(
    r"\s*(?:BEGIN|START\s+TRANSACTION|COMMIT|END|ABORT|ROLLBACK(?!\s+TO\b|\s+TRANSACTION\s+TO\b))\b",
    re.I,
)
_IN = re.compile(r"\bIN\s*(?P<open>\(\s*)?$", re.I)
_BINDABLE = (bool, int, float, str, bytes, datetime, timedelta)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter by its name, as a statement writes it."""

    name: str


Parts = list[str | Parameter]


def split(text: str) -> list[Parts]:
    """Return the statements of a text as parts, without those that are blank."""
    return [parts for parts in _statements(text) if any(map(_is_more, parts))]


def _is_more(part: str | Parameter) -> bool:
    return isinstance(part, Parameter) or bool(part.strip())


def _statements(text: str) -> Iterator[Parts]:
    parts: Parts = []
    at = 0
    for found in _TOKEN.finditer(text):
        parts.append(text[at : found.start()])
        at = found.end()
        if found["end"] and not _is_inside_trigger(parts):
            yield parts
            parts = []
        elif found["name"]:
            parts.append(Parameter(found["name"]))
        else:
            # A comment parts words, and is no business of the database.
            parts.append(" " if found["comment"] else found[0])
    yield [*parts, text[at:]]


def _is_inside_trigger(parts: Parts) -> bool:
    text = "".join(part for part in parts if isinstance(part, str))
    return bool(_TRIGGER.match(text)) and not _TRIGGER_END.search(text)


def bind(parts: Parts, parameters: Mapping[str, Any]) -> list[Statement]:
    """Return a statement with the values of its parameters: once, or once for each item of those
    that are lists; a list after IN stands for its items. Raises DataProblem."""
    if _TRANSACTION.match("".join(p for p in parts if isinstance(p, str)).lstrip()):
        raise DataProblem(IN_BLOCK, "the statements of a block are one transaction by themselves.")
    values = {name.lstrip("@:"): value for name, value in parameters.items()}
    whole = Statement(tuple(_bound(parts, values)))
    lists = [p.value for p in whole.parts if isinstance(p, Bound) and type(p.value) is list]
    if not lists:
        return [whole]
    lengths = {len(items) for items in lists}
    if len(lengths) > 1:
        raise DataProblem(BINDING, "its lists of parameters differ in their number of items.")
    return [_item(whole, index) for index in range(lengths.pop())]


def _item(whole: Statement, index: int) -> Statement:
    return replace(
        whole,
        parts=tuple(
            Bound(part.name, _bindable(part.name, part.value[index]))
            if isinstance(part, Bound) and type(part.value) is list
            else part
            for part in whole.parts
        ),
    )


def _bound(parts: Parts, values: Mapping[str, Any]) -> Iterator[str | Bound]:
    before = ""
    folded = {name.casefold(): value for name, value in values.items()}
    for part in parts:
        if isinstance(part, str):
            before = part if part.strip() or not before else before + part
            yield part
            continue
        if part.name.casefold() not in folded:
            known = ", ".join(values) or "none"
            raise DataProblem(BINDING, f"it has no parameter {part.name}. There are: {known}.")
        value = folded[part.name.casefold()]
        if type(value) is list and (inside := _IN.search(before)):
            yield from _items(part.name, value, is_open=bool(inside["open"]))
        else:
            yield Bound(part.name, value if type(value) is list else _bindable(part.name, value))
        before = ""


def _items(name: str, items: list[Any], *, is_open: bool) -> Iterator[str | Bound]:
    """The items of a list after IN. Nothing is in an empty one."""
    yield "" if is_open else "("
    for number, item in enumerate(items):
        if number:
            yield ", "
        yield Bound(name, _bindable(name, item))
    if not items:
        yield "NULL"
    yield "" if is_open else ")"


def _bindable(name: str, value: Any) -> Any:
    if value is None or type(value) in _BINDABLE:
        return value
    raise DataProblem(
        PARAMETER_TYPE,
        f"the parameter {name} is {article(type_name(value))}, {summary(value)}, which databases "
        "do not take.",
    )
