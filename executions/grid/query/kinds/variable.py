"""What a variable holds at the last checkpoint, compared with a literal: `var.order.total>=100`.

`_Holds` says in SQL what `_matches` says of a decoded value.
"""

import operator
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import BooleanField, F, Func, Q

from executions.events import ExecutionChanged
from executions.grid.query.errors import InvalidValue
from executions.grid.query.kinds.kind import COLONS, AllOf, EventContext, Predicate, QueryContext
from executions.grid.query.kinds.suggestions import LIMIT, newest
from executions.grid.query.lexer import (
    EMPTY,
    NEEDS_QUOTES,
    in_quotes,
    plain,
    quoted,
    unescaped,
)
from executions.grid.query.moments import MomentRange, has_offset, literal_range, zone_of
from executions.models import Value
from flows import parsing, value_paths
from flows.values import Masked, is_object

#: What the key of a variable's field begins with.
PREFIX = "var."
#: Executions in which names of variables are looked for.
RECENT = 100
OPERATORS = (">=", "<=", "!=", ">", "<", "=")
#: Operators that ask for an order.
ORDERED = (">", "<", ">=", "<=")
_MISSING = object()


@dataclass(frozen=True)
class Variable(AllOf):
    """What stands at a path (`flows.value_paths`) of the innermost variable of a name."""

    name = "variable"
    hint = '42, >3, abc, or "42" for a text.'
    examples: ClassVar[Sequence[str]] = ("42", ">3", "!=abc", '"42"', "true", "2026-11-01", EMPTY)
    is_ordered = True
    optional = True
    max_length = 2000

    path: str

    @property
    def variable(self) -> str:
        """The name of the variable, as it is stored."""
        return value_paths.split(self.path)[0].casefold()

    # Reading and writing

    def typed_values(self, operator: str, raw: str) -> tuple[str, ...]:
        """Keep quotation marks: "42" is a text, 42 a number too."""
        if operator in COLONS:
            own = re.match(r"!=|>=|<=|[<>=]|", raw)
            assert own is not None
            operator, raw = own[0], raw[own.end() :]
        text = plain(raw)
        return (operator + (in_quotes(text) if '"' in raw else text),)

    def operator_problem(self, key: str, operator: str, negated: bool) -> str:
        if operator == "!=":
            return ""
        if operator == "!":
            return f"{key} has no operator !. Write {key}=value or {key}!=value."
        return super().operator_problem(key, operator, negated)

    def missing(self, key: str, example: str) -> str:
        return f"Write a value, as in {key}=42, or {key}={EMPTY} for an empty text."

    def parse(self, text: str, zone: tzinfo) -> str:
        return str(Comparison.parse(text, zone))

    def write(self, key: str, values: Sequence[str], sign: str = "") -> str:
        name = PREFIX + (in_quotes(self.path) if _ENDS_NAME.search(self.path) else self.path)
        return " ".join(f"{sign}{name}{_typed(value)}" for value in values)

    def labels(self, values: Sequence[str]) -> str:
        joined = ", ".join(values)
        return joined if joined.startswith((">", "<", "!")) else f"= {joined}"

    # Meaning

    def value_sql(self, value: str, context: QueryContext) -> Q:
        return Q(_Holds(self.path, Comparison.parse(value)))

    def value_matches(self, value: str) -> Predicate:
        return _matches(self.path, Comparison.parse(value))

    def has_index(self, values: Sequence[str]) -> bool:
        return False


def variable_names(user: Any, typed: str) -> list[str]:
    """Return the names of variables that the newest executions hold."""
    ids = list(newest(user).values_list("pk", flat=True)[:RECENT])
    names = Value.objects.filter(execution_id__in=ids).values_list("name", flat=True).distinct()
    return sorted(name for name in names if typed.casefold() in name)[:LIMIT]


_ENDS_NAME = re.compile(r'[\s,":=<>!]')


def _typed(value: str) -> str:
    """Return how a value is typed behind the name."""
    sign = re.match(r">=|<=|!=|[<>]|", value)
    assert sign is not None
    literal = value[sign.end() :]
    # One in quotation marks is a text for certain, and stays in them.
    return (sign[0] or "=") + (literal if literal.startswith('"') else quoted(literal))


# Literals -------------------------------------------------------------------------------------

#: A number as JSON, Python and people write it.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
#: Numbers without digits, as pages show them.
_INFINITE = ("Infinity", "-Infinity", "NaN")
#: The zone in which a day or a local time is meant: `2026-03-29[Europe/Berlin]`.
_ZONED = re.compile(r"([0-9][0-9T:. -]*)\[([A-Za-z0-9_+/-]{1,60})\]", re.ASCII)


@dataclass(frozen=True)
class Comparison:
    """What a variable is compared with: `sign` and a literal.

    `number` is set where it reads as one, `moments` where it names some, `text` always, and
    `quoted` where only the text is meant. A day or a local time is that of `zone`, by its name.
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
        has_order = (number is not None and not number.is_nan()) or self.moments is not None
        if self.sign in ORDERED and not has_order:
            raise InvalidValue(f"Only numbers and times have an order, so {value} means nothing.")

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


# In SQL ---------------------------------------------------------------------------------------

#: A condition and its parameters.
_Part = tuple[str, list[Any]]
#: What stands at a path, as JSON and as text.
_VALUE, _TEXT = "(held.value #> %s::text[])", "(held.value #>> %s::text[])"
#: A stored moment that the database can read.
_READABLE = r"^\d{4}-.*\d([+-](0\d|1[0-4]):[0-5]\d(:[0-5]\d)?)?$"


class _Holds(Func):
    """Whether the innermost variable of a name holds something, at the last checkpoint."""

    output_field = BooleanField()

    def __init__(self, path: str, comparison: Comparison) -> None:
        self.path, self.comparison = path, comparison
        super().__init__(F("pk"))

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **extra: Any) -> Any:
        execution, params = compiler.compile(self.source_expressions[0])
        name, *below = value_paths.split(self.path)
        held, given = self._compared(below)
        sql = (
            "EXISTS (SELECT 1 FROM executions_value AS held "
            f"WHERE held.execution_id = {execution} AND held.name = %s AND held.level = "
            "(SELECT max(deepest.level) FROM executions_value AS deepest WHERE "
            "deepest.execution_id = held.execution_id AND deepest.name = held.name) "
            f"AND {held})"
        )
        return sql, [*params, name.casefold(), *given]

    def _compared(self, below: list[str]) -> tuple[str, list[Any]]:
        """What is asked of the value at a path, as SQL. `{value}` and `{text}` each take a path."""
        if any(key.startswith("$") for key in below):
            return "false", []  # a part of how a value is stored, and none of the value
        comparison = self.comparison
        kind = f"json_typeof({_VALUE})"
        if not below:
            kind = f"coalesce({kind}, 'null')"  # a null variable is stored as NULL
        parts = [*self._numbers(kind, below), *self._moments(kind, below)]
        if comparison.sign in ORDERED:
            return _either(parts)
        parts.append((f"({kind} = 'string' AND {_TEXT} = %s)", [below, below, comparison.text]))
        if not comparison.quoted and comparison.text in ("true", "false"):
            parts.append(
                (f"({kind} = 'boolean' AND {_TEXT} = %s)", [below, below, comparison.text])
            )
        if not comparison.quoted and comparison.text == "null":
            parts.append((f"({kind} = 'null')", [below]))
        either, given = _either(parts)
        if comparison.sign == "=":
            return either, given
        # A secret is neither this nor that: either would tell something of it.
        shown = f"(CASE {kind} WHEN 'object' THEN ({_VALUE} ->> '$secret') IS NULL ELSE true END)"
        differs = f"({kind} IS NOT NULL AND NOT {either} AND {shown})"
        return differs, [below, *given, below, below]

    def _numbers(self, kind: str, below: list[str]) -> list[_Part]:
        """Numbers are stored as they are, or, where JSON has no exact form for one, as text in an
        object (`flows.values`)."""
        number = self.comparison.number
        if number is None:
            return []
        held = (
            f"(CASE {kind} WHEN 'number' THEN {_TEXT}::numeric "
            f"WHEN 'object' THEN ({_VALUE} ->> '$number')::numeric END)"
        )
        given = [below, below, below]
        if self.comparison.sign not in ORDERED:
            return [(f"{held} = %s::numeric", [*given, str(number)])]
        # NaN is greater than everything to the database, and has no order.
        sql = f"({held} {self.comparison.sign} %s::numeric AND {held} <> 'NaN'::numeric)"
        return [(sql, [*given, str(number), *given])]

    def _moments(self, kind: str, below: list[str]) -> list[_Part]:
        if self.comparison.moments is None:
            return []
        bounds = (self.comparison.moments.low, self.comparison.moments.high)
        # What the database could not read is passed over.
        held = (
            f"(CASE {kind} WHEN 'object' THEN CASE WHEN ({_VALUE} ->> '$datetime') ~ %s "
            f"THEN ({_VALUE} ->> '$datetime')::timestamptz END END)"
        )
        given: list[Any] = [below, below, _READABLE, below]
        asked = [
            (f"{held} {sign} %s", [*given, bound.at])
            for sign, bound in zip((">=", "<"), bounds, strict=True)
            if bound is not None
        ]
        if not asked:  # until the end of the calendar
            asked = [(f"{held} IS NOT NULL", given)]
        sql = " AND ".join(part for part, _ in asked)
        return [(f"({sql})", [one for _, each in asked for one in each])]


def _either(parts: Sequence[_Part]) -> _Part:
    """Whether one of some conditions holds; not where nothing is known."""
    sql = " OR ".join(part for part, _ in parts)
    return f"coalesce({sql}, false)", [one for _, given in parts for one in given]


# Live -----------------------------------------------------------------------------------------

_SIGNS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


def _matches(path: str, comparison: Comparison) -> Predicate:
    """Return whether the variable at a path, decoded, compares so."""
    name, *below = value_paths.split(path)
    name = name.casefold()

    def holds(event: ExecutionChanged, context: EventContext) -> bool:
        value = context.variables.get(name, _MISSING)
        for key in below:
            value = _part(value, key)
        if value is _MISSING or isinstance(value, Masked):
            return False
        if comparison.sign in ORDERED:
            return _is_beyond(value, comparison)
        return _equals(value, comparison) is (comparison.sign == "=")

    return holds


#: A place in a list, as the database reads it: from the end where it is negative.
_PLACE = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]{1,9}")


def _part(value: Any, key: str) -> Any:
    """What the database finds at a key of a stored value."""
    if isinstance(value, dict):
        return value.get(key, _MISSING) if is_object(value) else _MISSING
    if isinstance(value, list) and _PLACE.fullmatch(key):
        place = int(key)
        return value[place] if -len(value) <= place < len(value) else _MISSING
    return _MISSING


def _is_beyond(value: Any, comparison: Comparison) -> bool:
    if isinstance(value, datetime):
        return _is_within(value, comparison)
    number = comparison.number
    if number is None or not _is_number(value) or value != value:
        return False
    return bool(_SIGNS[comparison.sign](_exactly(value), number))


def _is_within(value: datetime, comparison: Comparison) -> bool:
    if comparison.moments is None:
        return False
    return comparison.moments.holds(value, value)  # none of them counts from now


def _exactly(value: float) -> Decimal:
    """A number as it is written where it is stored."""
    return Decimal(repr(value))


def _equals(value: Any, comparison: Comparison) -> bool:
    if isinstance(value, str):
        return value == comparison.text
    if comparison.quoted:
        return False
    if isinstance(value, bool):
        return comparison.text == ("true" if value else "false")
    if value is None:
        return comparison.text == "null"
    if isinstance(value, datetime):
        return _is_within(value, comparison)
    number = comparison.number
    if number is None or not _is_number(value):
        return False
    held = _exactly(value)
    return (held.is_nan() and number.is_nan()) or held == number


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
