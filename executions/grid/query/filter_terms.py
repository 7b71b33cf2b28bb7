"""One field's part of a filter: what is wanted of it, checked and in one spelling. Pure."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import cached_property
from typing import Any
from uuid import UUID

from executions.grid.query import ranges
from executions.grid.query.fields import FIELDS, ME, NO_TEXT, VARIABLE, Field, Kind, field_of
from executions.grid.query.lexemes import words
from executions.grid.query.ranges import Times, Unreadable
from flows import parsing
from flows.blocks import BY_TYPE

#: Characters of one value, and of one that a variable is compared with; longer ones are not read.
VALUE_LIMIT = 200
VARIABLE_LIMIT = 2000
#: Values of one field; more are not read.
VALUES = 30
#: A name that is empty: `worker:""` is what no worker holds.
EMPTY = '""'
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
    """A value in the one spelling that addresses hold.

    Moments without a time zone are in `zone`. Raises Unreadable, also for one that says nothing.
    """
    value = value.strip()
    if NO_TEXT.search(value):
        shown = NO_TEXT.sub("\ufffd", value)
        raise Unreadable(f"{field.key}: no text holds such a character: {shown}. Leave it out.")
    limit = VARIABLE_LIMIT if field.kind is Kind.VARIABLE else VALUE_LIMIT
    if len(value) > limit:
        raise Unreadable(f"{field.key}: it has {len(value):,} characters. Write {limit:,} at most.")
    if not value or (value == EMPTY and not field.may_be_empty and field.kind is not Kind.VARIABLE):
        raise Unreadable(_lacking(field))
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
            return ranges.times(value, zone)[1]
        case Kind.DURATION:
            return ranges.durations(value)[1]
        case Kind.NUMBER:
            return ranges.numbers(value)[1]
        case Kind.ID:
            try:
                return str(UUID(value))
            except ValueError:
                raise Unreadable(f"{field.key}: “{value}” is no execution's id") from None
        case Kind.VARIABLE:
            return str(Wanted.parse(value, zone))


def _lacking(field: Field) -> str:
    if field.kind is Kind.VARIABLE:
        return f"Write what it holds, as in {field.key}=42; an empty text is {field.key}={EMPTY}."
    if field.options:
        return f"Write what it is to be, as in {field.key}:{field.options[0][0]}."
    none = f", or {field.key}:{EMPTY} for none" if field.may_be_empty else ""
    return f"Write what {field.key}: is to be{none}."


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


def unknown_field(key: str, cutoff: float = 0.75) -> str:
    """What to say to a word before a colon that is near to a field's; "" when it is none."""
    names = [field.key for field in FIELDS]
    if key.lower().startswith(VARIABLE) or key.lower() == VARIABLE[:-1]:
        return "A variable is written var.name=value"
    near = get_close_matches(key.lower(), names, n=3, cutoff=cutoff)
    near.sort(key=lambda name: name[0] != key[0].lower())
    return f"There is no field “{key}”; did you mean {near[0]}?" if near else ""


#: What would part a value in two, or end it.
NEEDS_QUOTES = re.compile(r'[\s,"\\]')


def in_quotes(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


# Variables ------------------------------------------------------------------------------------


#: A number as JSON, Python and people write it.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
#: Numbers without digits, as pages show them.
_ENDLESS = ("Infinity", "-Infinity", "NaN")
#: The zone in which a day or a local time is meant: `2026-03-29[Europe/Berlin]`.
_ZONED = re.compile(r"([0-9][0-9T:. -]*)\[([A-Za-z0-9_+/-]{1,60})\]", re.ASCII)
#: Signs that ask for an order.
ORDERED = (">", "<", ">=", "<=")


@dataclass(frozen=True)
class Wanted:
    """What a variable is to hold: `sign` and a literal.

    `number` is set where it reads as one, `moments` where it names some, `text` always, and
    `quoted` where only the text is meant. A day or a local time is that of `zone`, by its name.
    """

    sign: str
    text: str
    quoted: bool = False
    zone: str = "UTC"

    @classmethod
    def parse(cls, value: str, zone: tzinfo = UTC) -> "Wanted":
        """Read `42`, `>3`, `="a b"`; what names neither a zone nor an offset is in `zone`. Raises
        Unreadable."""
        sign = next((s for s in SIGNS if value.startswith(s)), "")
        text = value.removeprefix(sign).strip()
        quoted = len(text) > 1 and text[0] == text[-1] == '"'
        if quoted:
            text = re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
        elif zoned := _ZONED.fullmatch(text):
            text, zone = zoned[1].strip(), ranges.zone_of(zoned[2])
        # Without them another sign would be read with the first.
        quoted = quoted or bool(NEEDS_QUOTES.search(text)) or text.startswith(("<", ">", "=", "!"))
        if not text and not quoted:
            raise Unreadable('Write what the variable holds, as in var.customer=42 or =""')
        wanted = cls(sign or "=", text, quoted)
        if wanted.moments is not None and not ranges.has_offset(text):
            wanted = replace(wanted, zone=str(zone))
        wanted._check(value)
        return wanted

    def _check(self, value: str) -> None:
        """Raises Unreadable for what has no order, and for what no number comes near."""
        if self.quoted:
            number: Any = None
        else:
            number = self.number
            if number is not None and not self.text.lstrip("+-").isdigit() and number.is_finite():
                try:
                    parsing.real(self.text)
                except parsing.ParseError as problem:
                    told = f"{problem} In quotation marks it is a text."
                    raise Unreadable(told) from None
        has_order = (number is not None and not number.is_nan()) or self.moments is not None
        if self.sign in ORDERED and not has_order:
            raise Unreadable(f"{value}: only numbers and times have an order")

    def __str__(self) -> str:
        text = in_quotes(self.text) if self.quoted else self.text
        text += f"[{self.zone}]" if self.zone != "UTC" else ""
        return (self.sign if self.sign != "=" else "") + text

    @cached_property
    def number(self) -> Decimal | None:
        """The number itself, without rounding: what is stored is compared in the same way."""
        if self.quoted or not (_NUMBER.fullmatch(self.text) or self.text in _ENDLESS):
            return None
        with suppress(InvalidOperation):  # an exponent of many digits
            return Decimal(self.text)
        return None

    @cached_property
    def moments(self) -> Times | None:
        """When a moment has to be; `!=` turns that around."""
        return (
            None if self.quoted else ranges.moments(self.sign, self.text, ranges.zone_of(self.zone))
        )
