"""What a term of a filter means to the database. `matching` means the same for an event."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, DurationField, Expression, F, Func, Q, Value
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from executions.grid import spans, words
from executions.grid.fields import ME, VARIABLE, Field, Kind
from executions.grid.terms import Term, Wanted
from executions.models.expressions import Length, Lexemes, Words

#: So many digits of an id's beginning find it: eleven of them are the millisecond of its start.
ID_DIGITS = 8
HEX = frozenset("0123456789abcdef")
EVERYTHING = ~Q(pk__in=[])


class Found(Func):
    """Whether lexemes match a text search query."""

    template = "%(expressions)s::tsquery"
    arg_joiner = " @@ "
    output_field = BooleanField()

    def __init__(self, lexemes: Expression, query: str) -> None:
        super().__init__(lexemes, Value(query))


def condition(term: Term, now: datetime, me: int | None) -> Q:
    """The executions that a term lets through."""
    field = term.field
    if field.kind.alternatives:
        wanted = _any_of(field, term.values, me)
    else:
        wanted = Q()
        for value in term.values:
            wanted &= _holds(field, value, now)
    return ~wanted if term.negated else wanted


def searched(search: str) -> Q:
    """What holds every word of a search, or has the id that it begins."""
    wanted = words.words(search)
    found = Q(Found(Lexemes(), words.query_of(wanted))) if wanted else EVERYTHING
    if ids := id_range(search):
        found |= Q(id__range=ids)
    return found


def id_range(search: str) -> tuple[UUID, UUID] | None:
    """The first and last id that begin with the digits that are searched for, if they are that."""
    digits = search.replace("-", "").lower()
    if not (ID_DIGITS <= len(digits) <= 32 and HEX.issuperset(digits)):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def _any_of(field: Field, values: Sequence[str], me: int | None) -> Q:
    if field.kind is Kind.ID:
        return Q(**{f"{field.column}__in": [UUID(value) for value in values]})
    if field.kind is Kind.CHOICE:
        return Q(**{f"{field.column}__in": list(values)})
    wanted = Q()
    named = [value for value in values if not (field.key == "initiator" and value == ME)]
    if len(named) < len(values):
        wanted |= Q(initiator_id=me)
    if field.exact_case:
        whole = [value for value in named if not value.endswith("*")]
        named = [value for value in named if value.endswith("*")]
        if whole:
            wanted |= Q(**{f"{field.column}__in": whole})
    if named:
        wanted |= Q(Found(Lexemes(), words.query_of_names(field.code, named)))
    return wanted


def _holds(field: Field, value: str, now: datetime) -> Q:
    match field.kind:
        case Kind.WORDS:
            query = words.query_of(words.words(value))
            return Q(Found(Lexemes(), query)) & Q(Found(Words(F(field.column)), query))
        case Kind.TIME:
            low, high = spans.times(value)[0].between(now)
            return _between(field.column, low, high)
        case Kind.NUMBER:
            numbers = spans.numbers(value)[0]
            return _between(field.column, numbers.low, numbers.high)
        case Kind.DURATION:
            return _duration(spans.durations(value)[0], now)
        case Kind.FLAG:
            return FLAGS[field.key, value]
        case Kind.VARIABLE:
            return Q(Holds(field.key[len(VARIABLE) :], Wanted.parse(value)))
    raise AssertionError(field.kind)


def _between(column: str, low: Any, high: Any) -> Q:
    wanted = Q()
    if low is not None:
        wanted &= Q(**{f"{column}__gte": low})
    if high is not None:
        wanted &= Q(**{f"{column}__lt": high})
    return wanted


def _duration(wanted: spans.Numbers, now: datetime) -> Q:
    """Of what is not over, how long it has taken until now."""
    low, high = (n if n is None else timedelta(microseconds=n) for n in (wanted.low, wanted.high))
    over, running = Q(), Q(ended_at=None)
    if low is not None:
        over &= Q(GreaterThanOrEqual(Length(), Value(low, DurationField())))
        running &= Q(started_at__lte=now - low)
    if high is not None:
        over &= Q(LessThan(Length(), Value(high, DurationField())))
        running &= Q(started_at__gt=now - high)
        return over | running
    # What is not over is longer than anything to the index, so only the young ones are out.
    return over & (Q(ended_at__isnull=False) | running)


FLAGS = {
    ("is", "root"): Q(parent=None),
    ("is", "child"): Q(parent__isnull=False),
    ("is", "live"): Q(ended_at=None),
    ("is", "over"): Q(ended_at__isnull=False),
    ("has", "exception"): ~Q(error_type=""),
    ("has", "children"): Q(child_count__gt=0),
}


class Holds(Func):
    """Whether the innermost variable of a name holds something, at the last checkpoint."""

    output_field = BooleanField()

    def __init__(self, path: str, wanted: Wanted) -> None:
        self.path, self.wanted = path, wanted
        super().__init__(F("pk"))

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **extra: Any) -> Any:
        execution, params = compiler.compile(self.source_expressions[0])
        name, *below = self.path.split(".")
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
        wanted = self.wanted
        value, text = "(held.value #> %s::text[])", "(held.value #>> %s::text[])"
        kind, path = f"json_typeof{value}", [below]
        if not below:
            kind = f"coalesce({kind}, 'null')"  # a null variable is stored as NULL
        if wanted.sign in ("=", "!="):
            parts = [f"({kind} = 'string' AND {text} = %s)"]
            given: list[Any] = [*path, *path, wanted.text]
            if wanted.number is not None:
                parts.append(f"(CASE {kind} WHEN 'number' THEN {text}::numeric = %s::numeric END)")
                given += [*path, *path, wanted.text]
            if wanted.moment is not None:
                parts.append(
                    f"(CASE {kind} WHEN 'object' THEN ({value} ->> '$datetime')"
                    "::timestamptz = %s END)"
                )
                given += [*path, *path, wanted.moment]
            if not wanted.quoted and wanted.text in ("true", "false"):
                parts.append(f"({kind} = 'boolean' AND {text} = %s)")
                given += [*path, *path, wanted.text]
            if not wanted.quoted and wanted.text == "null":
                parts.append(f"({kind} = 'null')")
                given += path
            either = f"coalesce({' OR '.join(parts)}, false)"
            if wanted.sign == "=":
                return either, given
            return f"({kind} IS NOT NULL AND NOT {either})", [*path, *given]
        if wanted.number is not None:
            return (
                f"(CASE {kind} WHEN 'number' THEN {text}::numeric {wanted.sign} %s::numeric "
                "ELSE false END)",
                [*path, *path, wanted.text],
            )
        return (
            f"(CASE {kind} WHEN 'object' THEN coalesce(({value} ->> '$datetime')::timestamptz "
            f"{wanted.sign} %s, false) ELSE false END)",
            [*path, *path, wanted.moment],
        )
