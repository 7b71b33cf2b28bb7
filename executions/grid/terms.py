"""One field's part of a filter: what is wanted of it, checked and in one spelling. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from difflib import get_close_matches
from typing import Any
from uuid import UUID

from executions.grid import spans
from executions.grid.fields import FIELDS, ME, VARIABLE, Field, Kind, field_of
from executions.grid.spans import Unreadable
from executions.grid.words import words
from flows.blocks import BY_TYPE

#: Characters of one value; longer ones are cut.
VALUE_LIMIT = 200
#: Values of one field; more are not read.
VALUES = 30
SIGNS = (">=", "<=", "!=", ">", "<", "=")


@dataclass(frozen=True, order=True)
class Term:
    """What is wanted of a field: `values` as `read` spells them; or, negated, what is not."""

    key: str
    values: tuple[str, ...]
    negated: bool = False

    @property
    def field(self) -> Field:
        found = field_of(self.key)
        assert found is not None, self.key
        return found

    @property
    def is_personal(self) -> bool:
        """Whether it means something else for each who looks."""
        if self.key == "is":
            return "watched" in self.values
        return bool(self.field.person) and ME in self.values

    @property
    def parameter(self) -> str:
        return f"-{self.key}" if self.negated else self.key


def term(field: Field, values: Iterable[str], negated: bool = False) -> Term:
    """The term of values that `read` has spelled: each once, in one order."""
    return Term(field.key, tuple(sorted(set(values))[:VALUES]), negated)


def read(field: Field, value: str, zone: tzinfo = UTC) -> str:
    """A value in the one spelling that addresses hold; "" for one that says nothing.

    Moments without a time zone are in `zone`. Raises Unreadable.
    """
    value = value.replace("\0", "").strip()[:VALUE_LIMIT].strip()
    if not value:
        return ""
    match field.kind:
        case Kind.CHOICE | Kind.FLAG:
            return _option(field, value)
        case Kind.NAME:
            return _name(field, value)
        case Kind.WORDS:
            if not words(value):
                raise Unreadable(f"{field.key}: “{value}” holds no word")
            return " ".join(value.split())
        case Kind.TIME:
            return spans.times(value, zone)[1]
        case Kind.DURATION:
            return spans.durations(value)[1]
        case Kind.NUMBER:
            return spans.numbers(value)[1]
        case Kind.ID:
            try:
                return str(UUID(value))
            except ValueError:
                raise Unreadable(f"{field.key}: “{value}” is no execution's id") from None
        case Kind.VARIABLE:
            return str(Wanted.parse(value))


def _option(field: Field, value: str) -> str:
    known = {name.casefold(): name for name, _ in field.options}
    if found := known.get(value.casefold()):
        return found
    near = get_close_matches(value.casefold(), known, n=1, cutoff=0.65)
    advice = f"did you mean {known[near[0]]}?" if near else f"known are {', '.join(known.values())}"
    raise Unreadable(f"{field.key}: “{value}” is none; {advice}")


def _name(field: Field, value: str) -> str:
    if field.key == "block" and (block := BY_TYPE.get(value.casefold())):
        return block.type
    if field.person and value.casefold() == ME:
        return ME
    return value


def unknown_field(key: str) -> str:
    """What to say to a word before a colon that is near to a field's; "" when it is none."""
    names = [field.key for field in FIELDS]
    if key.lower().startswith(VARIABLE) or key.lower() == VARIABLE[:-1]:
        return "A variable is written var.name=value"
    near = get_close_matches(key.lower(), names, n=1, cutoff=0.75)
    return f"There is no field “{key}”; did you mean {near[0]}?" if near else ""


#: What would part a value in two, or end it.
NEEDS_QUOTES = re.compile(r'[\s,"\\]')


def in_quotes(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


# Variables ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """What a variable is to hold: `sign` and a literal.

    `number` is set where it reads as one, `word` for true, false and null, `text` always, and
    `quoted` where only the text is meant.
    """

    sign: str
    text: str
    quoted: bool = False

    @classmethod
    def parse(cls, value: str) -> "Wanted":
        """Read `42`, `>3`, `="a b"`. Raises Unreadable."""
        sign = next((s for s in SIGNS if value.startswith(s)), "")
        text = value.removeprefix(sign).strip()
        quoted = len(text) > 1 and text[0] == text[-1] == '"'
        if quoted:
            text = re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
        quoted = quoted or bool(NEEDS_QUOTES.search(text))
        if not text and not quoted:
            raise Unreadable("Write what the variable holds, as in var.customer=42")
        wanted = cls(sign or "=", text.replace("\0", ""), quoted)
        if wanted.sign in (">", "<", ">=", "<=") and wanted.number is None and not wanted.moment:
            raise Unreadable(f"{value}: only numbers and times have an order")
        return wanted

    def __str__(self) -> str:
        text = in_quotes(self.text) if self.quoted else self.text
        return (self.sign if self.sign != "=" else "") + text

    @property
    def number(self) -> float | int | None:
        if self.quoted or not re.fullmatch(r"-?[0-9]{1,30}(\.[0-9]{1,30})?", self.text, re.ASCII):
            return None
        return float(self.text) if "." in self.text else int(self.text)

    @property
    def moment(self) -> Any:
        return None if self.quoted else spans.moment(self.text)
