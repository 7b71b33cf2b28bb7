"""Values of variables compared with a literal, in SQL and decoded.

`Comparison.sql` says of a JSON value in the database what `Comparison.holds` says of the decoded
value (`flows.values`).
"""

import operator
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from executions.grid.query.errors import InvalidValue
from executions.grid.query.lexer import NEEDS_QUOTES, in_quotes, unescaped
from executions.grid.query.moments import Bound, MomentRange, has_offset, literal_range, zone_of
from executions.grid.query.ranges import TICK, parse_length
from flows import parsing
from flows.site_zone import on_site_clock
from flows.values import Masked

OPERATORS = (">=", "<=", "!=", ">", "<", "=")
#: Operators that ask for an order.
ORDERED = (">", "<", ">=", "<=")
_COMPARE = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}

#: A number as JSON, Python and people write it.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
#: Numbers without digits, as pages show them.
_INFINITE = ("Infinity", "-Infinity", "NaN")
#: A duration as forms take it; `1m30s` besides.
_DURATION = re.compile(
    r"-?P.+|-?(?:[0-9]{1,9}\.)?[0-9]{1,9}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?", re.A
)
#: The zone in which a day or a local time is meant: `2026-03-29[Europe/Berlin]`.
_ZONED = re.compile(r"([0-9][0-9T:. -]*)\[([A-Za-z0-9_+/-]{1,60})\]", re.ASCII)


@dataclass(frozen=True)
class Comparison:
    """What a variable is compared with: `sign` and a literal.

    `number` is set where it reads as one, `moments` where it names some, `length` where it is a
    length of time, `text` always, and `quoted` where only the text is meant. A day or a local time
    is that of `zone`, by its name; a Local Date Time has none.
    """

    sign: str
    text: str
    quoted: bool = False
    zone: str = "UTC"

    @classmethod
    def parse(cls, value: str, zone: tzinfo = UTC) -> "Comparison":
        """Read `42`, `>3`, `="a b"`; what names neither a zone nor an offset is in `zone`. Raises
        InvalidValue."""
        sign = next((s for s in OPERATORS if value.startswith(s)), "")
        text = value.removeprefix(sign).strip()
        quoted = len(text) > 1 and text[0] == text[-1] == '"'
        if quoted:
            text = unescaped(text[1:-1])
        elif zoned := _ZONED.fullmatch(text):
            text, zone = zoned[1].strip(), zone_of(zoned[2])
        # Without them another sign would be read with the first.
        quoted = quoted or bool(NEEDS_QUOTES.search(text)) or text.startswith(("<", ">", "=", "!"))
        if not text and not quoted:
            raise InvalidValue('Write a value, as in =42, or ="" for an empty text.')
        comparison = cls(sign or "=", text, quoted)
        if comparison.moments is not None and not has_offset(text):
            comparison = replace(comparison, zone=str(zone))
        comparison._check(value)
        return comparison

    def _check(self, value: str) -> None:
        """Raises InvalidValue for what has no order, and for what no number comes near."""
        if self.quoted:
            number: Any = None
        else:
            number = self.number
            if number is not None and not self.text.lstrip("+-").isdigit() and number.is_finite():
                try:
                    parsing.real(self.text)
                except parsing.ParseError as problem:
                    told = f"{problem} In quotation marks it is a text."
                    raise InvalidValue(told) from None
        has_order = number is not None and not number.is_nan()
        has_order = has_order or self.moments is not None or self.length is not None
        if self.sign in ORDERED and not has_order:
            told = f"Only numbers, times and durations have an order, so {value} means nothing."
            raise InvalidValue(told)

    def __str__(self) -> str:
        text = in_quotes(self.text) if self.quoted else self.text
        text += f"[{self.zone}]" if self.zone != "UTC" else ""
        return (self.sign if self.sign != "=" else "") + text

    @cached_property
    def number(self) -> Decimal | None:
        """The number itself, without rounding: what is stored is compared in the same way."""
        if self.quoted or not (_NUMBER.fullmatch(self.text) or self.text in _INFINITE):
            return None
        with suppress(InvalidOperation):  # an exponent of many digits
            return Decimal(self.text)
        return None

    @cached_property
    def moments(self) -> MomentRange | None:
        """When a moment has to be; `!=` turns that around."""
        return None if self.quoted else literal_range(self.sign, self.text, zone_of(self.zone))

    @cached_property
    def local_moments(self) -> MomentRange | None:
        """When a Local Date Time has to be, told in UTC. A day or a local time is what its clock
        shows, and a moment with an offset what the clocks of the site show then."""
        if self.moments is None or not has_offset(self.text):
            return None if self.quoted else literal_range(self.sign, self.text)
        bounds = (self.moments.low, self.moments.high)
        return MomentRange(*(bound and _on_site_clock(bound) for bound in bounds))

    @cached_property
    def length(self) -> timedelta | None:
        """The length of time: `1m30s`, `00:01:30` or `PT90S`."""
        if self.quoted:
            return None
        if _DURATION.fullmatch(self.text):
            with suppress(parsing.ParseError):
                return parsing.duration(self.text)
        length = parse_length(self.text.removeprefix("-"))
        return -length if length is not None and self.text.startswith("-") else length

    # In the database

    def sql(self) -> "Statement":
        """Return the condition that the JSON value `found.value` compares so."""
        alternatives = [*self._number_sql(), *self._length_sql()]
        for sql, moments in ((_MOMENT_SQL, self.moments), (_LOCAL_SQL, self.local_moments)):
            if moments is not None:
                alternatives.append(_moment_sql(sql, moments))
        if self.sign in ORDERED:
            return _any(alternatives)
        alternatives.append((_IS_TEXT, [self.text]))
        if not self.quoted and self.text in ("true", "false"):
            alternatives.append((_IS_BOOLEAN, [self.text]))
        if not self.quoted and self.text == "null":
            alternatives.append((_IS_NULL, []))
        condition, parameters = _any(alternatives)
        if self.sign == "=":
            return condition, parameters
        return _DIFFERS.format(condition=condition), parameters

    def _number_sql(self) -> list["Statement"]:
        if self.number is None:
            return []
        number = str(self.number)
        if self.sign not in ORDERED:
            return [(f"{_NUMBER_SQL} = %s::numeric", [number])]
        # NaN is greater than everything to the database, and has no order.
        condition = f"({_NUMBER_SQL} {self.sign} %s::numeric AND {_NUMBER_SQL} <> 'NaN'::numeric)"
        return [(condition, [number])]

    def _length_sql(self) -> list["Statement"]:
        if self.length is None:
            return []
        sign = self.sign if self.sign in ORDERED else "="
        return [(f"{_LENGTH_SQL} {sign} %s::numeric", [self.length // TICK])]

    # Decoded

    def holds(self, value: Any) -> bool:
        """Return whether a decoded value compares so."""
        if isinstance(value, Masked):
            return False  # a secret is neither this nor that: either would tell something of it
        if self.sign in ORDERED:
            return self._is_beyond(value)
        return self._equals(value) is (self.sign == "=")

    def _is_beyond(self, value: Any) -> bool:
        if isinstance(value, datetime):
            return self._is_within(value)
        if isinstance(value, timedelta):
            return self.length is not None and bool(_COMPARE[self.sign](value, self.length))
        if self.number is None or not _is_number(value) or value != value:
            return False
        return bool(_COMPARE[self.sign](_exactly(value), self.number))

    def _equals(self, value: Any) -> bool:
        if isinstance(value, str):
            return value == self.text
        if self.quoted:
            return False
        if value is None or isinstance(value, bool):
            return self.text == _WORDS[value]
        if isinstance(value, datetime):
            return self._is_within(value)
        if isinstance(value, timedelta):
            return value == self.length
        if self.number is None or not _is_number(value):
            return False
        held = _exactly(value)
        return (held.is_nan() and self.number.is_nan()) or held == self.number

    def _is_within(self, value: datetime) -> bool:
        moments = self.moments
        if value.tzinfo is None:
            moments, value = self.local_moments, value.replace(tzinfo=UTC)
        # None of the limits counts from now.
        return moments is not None and moments.holds(value, value)


def _on_site_clock(bound: Bound) -> Bound:
    assert bound.at is not None  # it is that of a literal
    return Bound(on_site_clock(bound.at).replace(tzinfo=UTC))


_WORDS = {None: "null", True: "true", False: "false"}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _exactly(value: float) -> Decimal:
    """Return a number as it is written where it is stored."""
    return Decimal(repr(value))


# SQL of a JSON value --------------------------------------------------------------------------

#: A condition and its parameters.
Statement = tuple[str, list[Any]]
#: A stored moment that the database can read; others are passed over.
READABLE = r"^\d{4}-.*\d([+-](0\d|1[0-4]):[0-5]\d(:[0-5]\d)?)?$"

_IS_TEXT = "(json_typeof(found.value) = 'string' AND found.value #>> '{}' = %s)"
_IS_BOOLEAN = "(json_typeof(found.value) = 'boolean' AND found.value #>> '{}' = %s)"
_IS_NULL = "(json_typeof(found.value) = 'null')"
#: Numbers are stored as they are, or, where JSON has no exact form for one, as text in an object.
_NUMBER_SQL = """
(CASE json_typeof(found.value)
    WHEN 'number' THEN (found.value #>> '{}')::numeric
    WHEN 'object' THEN (found.value ->> '$number')::numeric
END)"""
_MOMENT_SQL = """
(CASE json_typeof(found.value)
    WHEN 'object' THEN CASE
        WHEN (found.value ->> '$datetime') ~ %s THEN (found.value ->> '$datetime')::timestamptz
    END
END)"""
_LOCAL_SQL = """
(CASE json_typeof(found.value)
    WHEN 'object' THEN CASE
        WHEN (found.value ->> '$localdatetime') ~ %s
        THEN (found.value ->> '$localdatetime')::timestamp AT TIME ZONE 'UTC'
    END
END)"""
#: In microseconds.
_LENGTH_SQL = """
(CASE json_typeof(found.value -> '$duration')
    WHEN 'array' THEN 1000000 * (
        86400 * (found.value #>> '{$duration,0}')::numeric
        + (found.value #>> '{$duration,1}')::numeric
    ) + (found.value #>> '{$duration,2}')::numeric
END)"""
#: A secret is neither this nor that: either would tell something of it.
_DIFFERS = """
(json_typeof(found.value) IS NOT NULL AND NOT {condition} AND CASE json_typeof(found.value)
    WHEN 'object' THEN (found.value ->> '$secret') IS NULL
    ELSE true
END)"""


def _moment_sql(sql: str, moments: MomentRange) -> Statement:
    """Return the condition that a moment, which `sql` reads, is in a range."""
    bounds = {">=": moments.low, "<": moments.high}
    limits = {sign: bound.at for sign, bound in bounds.items() if bound is not None}
    # Without a limit it lasts until the end of the calendar.
    conditions = [f"{sql} {sign} %s" for sign in limits] or [f"{sql} IS NOT NULL"]
    parameters = [one for limit in limits.values() for one in (READABLE, limit)]
    return f"({' AND '.join(conditions)})", parameters or [READABLE]


def _any(alternatives: Sequence[Statement]) -> Statement:
    """Return whether one of some conditions holds; not where nothing is known."""
    sql = " OR ".join(condition for condition, _ in alternatives)
    return f"coalesce({sql}, false)", [one for _, given in alternatives for one in given]
