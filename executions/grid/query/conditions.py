"""What a term of a filter means to the database. `matching` means the same for an event."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, DurationField, Expression, F, Func, Q, TextField, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    StartsWith,
)

from executions.grid.query import lexemes, ranges
from executions.grid.query.fields import ME, VARIABLE, Field, Kind
from executions.grid.query.filter_terms import EMPTY, ORDERED, Term, Wanted
from executions.grid.query.matching import SEARCHED
from executions.models import FAILED
from executions.models.expressions import Length, Lexemes
from executions.models.people import Watch
from executions.states import LIVE, Reason, Status
from flows import value_paths

#: So many digits of an id's beginning find it: eleven of them are the millisecond of its start.
ID_DIGITS = 8
HEX = frozenset("0123456789abcdef")
#: What stands before a word: the beginning, or what of ASCII is neither letter nor digit.
BEFORE = r"(^|[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007f])"
EVERYTHING = ~Q(pk__in=[])
#: What the search index holds (executions/models/execution.py).
INDEXED = Q(lease_expires_at__isnull=True)
#: The fields of what an execution with an exception says.
OF_EXCEPTIONS = ("error", "message")


class Found(Func):
    """Whether lexemes match a text search query."""

    template = "%(expressions)s::tsquery"
    arg_joiner = " @@ "
    output_field = BooleanField()

    def __init__(self, lexemes: Expression, query: str) -> None:
        super().__init__(lexemes, Value(query))


#: What the search index holds of nothing: no field has that code.
NOWHERE = INDEXED & Q(Found(Lexemes(), lexemes.query_of_names("?", ["?"])))


class Folded(Func):
    """Lower case in ASCII, as `words.fold`."""

    template = '(lower(%(expressions)s COLLATE "C") COLLATE "C")'
    output_field = TextField()


class Lines(Func):
    """A text of lines with a line break before and behind it, so that each line has both."""

    template = r"(E'\n' || %(expressions)s || E'\n')"
    output_field = TextField()


class Said(Func):
    """Everything that is searched of a row, folded."""

    template = '(lower((%(expressions)s) COLLATE "C") COLLATE "C")'
    arg_joiner = " || ' ' || "
    output_field = TextField()

    def __init__(self) -> None:
        super().__init__(*map(F, SEARCHED))


class Holding(Func):
    """Whether a folded text holds a word that begins so, as `words.words` parts them."""

    template = "%(expressions)s"
    arg_joiner = " ~ "
    output_field = BooleanField()


class Like(Func):
    template = "%(expressions)s"
    arg_joiner = " LIKE "
    output_field = BooleanField()


class By(Enum):
    """How a condition is put."""

    #: In the words of the search index, where it serves a term.
    INDEX = "index"
    #: In the columns of a row, which cost less to look at one after the other.
    ROW = "row"
    #: As by the index, and no more exact than that: what the planner can estimate.
    ROUGH = "rough"


def condition(term: Term, now: datetime, me: int | None, by: By = By.INDEX) -> Q:
    """The executions that a term lets through."""
    field = term.field
    by = By.ROW if term.negated or EMPTY in term.values else by
    if field.kind.alternatives:
        wanted = _any_of(field, term.values, me, by is By.ROW)
    else:
        wanted = Q()
        for value in term.values:
            wanted &= _holds(field, value, now, me, by)
    if field.key in OF_EXCEPTIONS and by is not By.ROUGH:
        # Says nothing new, but lets the index of what has an exception be used.
        wanted &= FLAGS["has", "exception"]
    return ~wanted if term.negated else wanted


def is_sought(term: Term) -> bool:
    """Whether the search index serves a term, and no other index does."""
    field = term.field
    if term.negated or EMPTY in term.values:
        return False
    if field.exact_case and not any(value.endswith("*") for value in term.values):
        return False
    if field.kind is Kind.NUMBER:
        return bool(field.code) and any(_one_number(value) for value in term.values)
    return bool(field.code) or field.kind is Kind.WORDS


def is_unindexed(term: Term) -> bool:
    """Whether no index finds what a term lets through."""
    return (
        term.negated
        or term.field.kind is Kind.VARIABLE
        or term.key in ("steps", "waiting", "semaphore", "version", "debugger")
        or (term.key == "has" and "children" in term.values)
    )


def searched(search: str, in_row: Callable[[str], bool]) -> Q:
    """What holds every word of a search, or has the id that it begins; `in_row` says which words
    are looked for in the columns of a row instead of the index."""
    wanted = lexemes.words(search)
    indexed = [word for word in wanted if not in_row(word)]
    found = Q(Found(Lexemes(), lexemes.query_of(indexed))) if indexed else Q()
    for word in wanted:
        if in_row(word):
            found &= _has_word(Said(), word)
    if ids := id_range(search):
        found = (found if wanted else ~EVERYTHING) | Q(id__range=ids)
    return found


def _has_word(text: Expression, word: str) -> Q:
    found = Q()
    for way in lexemes.spellings(word):
        # Most rows are told apart by the first, which costs little. No sign of either is in a word.
        found |= Q(Like(text, Value(f"%{way}%"))) & Q(Holding(text, Value(BEFORE + way)))
    return found


def id_range(search: str) -> tuple[UUID, UUID] | None:
    """The first and last id that begin with the digits that are searched for, if they are that."""
    digits = search.replace("-", "").lower()
    if not (ID_DIGITS <= len(digits) <= 32 and HEX.issuperset(digits)):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def _any_of(field: Field, values: Sequence[str], me: int | None, by_row: bool) -> Q:
    if field.kind is Kind.ID:
        return Q(**{f"{field.column}__in": [UUID(value) for value in values]})
    if field.kind is Kind.CHOICE:
        if field.code and not by_row:
            return Q(Found(Lexemes(), lexemes.query_of_names(field.code, values)))
        return Q(**{f"{field.column}__in": list(values)})
    wanted = Q()
    others = [value for value in values if value != EMPTY]
    named = [value for value in others if not (field.person and value == ME)]
    if len(named) < len(others):
        wanted |= Q(**{field.person: me})
    if field.exact_case:
        whole = [value for value in named if not value.endswith("*")]
        named = [value for value in named if value.endswith("*")]
        if whole:
            wanted |= Q(**{f"{field.column}__in": whole})
    if named:
        in_row = by_row or not field.code
        wanted |= _named_in_row(field, named) if in_row else _named(field, named)
    if field.key == "worker" and named:
        # Says nothing new: none holds what is over. There are few others, and an index of them.
        wanted &= Q(status__in=sorted(LIVE))
    if len(others) < len(values):
        wanted |= Q(**{field.column: ""})
    if field.key == "semaphore":
        # What it waited for is still there when it waits no longer.
        wanted &= Q(status=Status.RUNNING, reason=Reason.SEMAPHORE)
    return wanted


def _named(field: Field, names: list[str]) -> Q:
    return Q(Found(Lexemes(), lexemes.query_of_names(field.code, names)))


def _named_in_row(field: Field, names: list[str]) -> Q:
    folded = Folded(F(field.column))
    wanted = Q()
    if field.several:
        for name in map(lexemes.fold, names):
            line = f"\n{name[:-1]}" if name.endswith("*") else f"\n{name}\n"
            wanted |= Q(GreaterThan(StrIndex(Lines(folded), Value(line)), Value(0)))
        return wanted
    for name in map(lexemes.fold, names):
        if name.endswith("*"):
            wanted |= Q(StartsWith(folded, Value(name[:-1]))) & ~Q(**{field.column: ""})
        else:
            wanted |= Q(Exact(folded, Value(name)))
    return wanted


def _holds(field: Field, value: str, now: datetime, me: int | None, by: By) -> Q:
    match field.kind:
        case Kind.WORDS:
            return _has_words(F(field.column), lexemes.words(value), by)
        case Kind.TIME:
            low, high = ranges.times(value)[0].between(now)
            return _between(field.column, low, high)
        case Kind.NUMBER:
            if field.code and by is not By.ROW and (number := _one_number(value)):
                return Q(Found(Lexemes(), lexemes.query_of_names(field.code, [number])))
            numbers = ranges.numbers(value)[0]
            return _between(field.column, numbers.low, numbers.high)
        case Kind.DURATION:
            return _duration(ranges.durations(value)[0], now)
        case Kind.FLAG:
            return _watched(me) if value == "watched" else FLAGS[field.key, value]
        case Kind.VARIABLE:
            return Q(Holds(field.key[len(VARIABLE) :], Wanted.parse(value)))
    raise AssertionError(field.kind)


def _has_words(column: Expression | F, wanted: list[str], by: By) -> Q:
    found = Q()
    if by is not By.ROUGH:
        for word in wanted:
            found &= _has_word(Folded(column), word)
    if by is By.ROW:
        return found
    # Words of one text seldom come alone: the planner, who takes them for independent, is asked
    # about the one that is likely the rarest.
    indexed = [max(wanted, key=len)] if by is By.ROUGH else wanted
    return found & Q(Found(Lexemes(), lexemes.query_of(indexed)))


def _one_number(value: str) -> str:
    return value if value.isdigit() else ""


def _between(column: str, low: Any, high: Any) -> Q:
    wanted = Q()
    if low is not None:
        wanted &= Q(**{f"{column}__gte": low})
    if high is not None:
        wanted &= Q(**{f"{column}__lt": high})
    return wanted


def _duration(wanted: ranges.Numbers, now: datetime) -> Q:
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


def _watched(me: int | None) -> Q:
    return Q(pk__in=Watch.objects.filter(user_id=me or 0).values("execution_id"))


FLAGS = {
    ("is", "root"): Q(parent=None),
    ("is", "child"): Q(parent__isnull=False),
    ("is", "live"): Q(ended_at=None),
    ("is", "over"): Q(ended_at__isnull=False),
    ("is", "failed"): FAILED,
    ("is", "unhandled"): Q(unhandled=True),
    ("has", "exception"): ~Q(exception_types=""),
    ("has", "children"): Q(child_count__gt=0),
    ("has", "failed-children"): Q(failed_descendants__gt=0),
}


#: A condition and its parameters.
Part = tuple[str, list[Any]]
#: What stands at a path, as JSON and as text.
VALUE, TEXT = "(held.value #> %s::text[])", "(held.value #>> %s::text[])"
#: A stored moment that the database can read.
READABLE = r"^\d{4}-.*\d([+-](0\d|1[0-4]):[0-5]\d(:[0-5]\d)?)?$"


class Holds(Func):
    """Whether the innermost variable of a name holds something, at the last checkpoint."""

    output_field = BooleanField()

    def __init__(self, path: str, wanted: Wanted) -> None:
        self.path, self.wanted = path, wanted
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
        wanted = self.wanted
        kind = f"json_typeof({VALUE})"
        if not below:
            kind = f"coalesce({kind}, 'null')"  # a null variable is stored as NULL
        parts = [*self._numbers(kind, below), *self._moments(kind, below)]
        if wanted.sign in ORDERED:
            return _either(parts)
        parts.append((f"({kind} = 'string' AND {TEXT} = %s)", [below, below, wanted.text]))
        if not wanted.quoted and wanted.text in ("true", "false"):
            parts.append((f"({kind} = 'boolean' AND {TEXT} = %s)", [below, below, wanted.text]))
        if not wanted.quoted and wanted.text == "null":
            parts.append((f"({kind} = 'null')", [below]))
        either, given = _either(parts)
        if wanted.sign == "=":
            return either, given
        # A secret is neither this nor that: either would tell something of it.
        shown = f"(CASE {kind} WHEN 'object' THEN ({VALUE} ->> '$secret') IS NULL ELSE true END)"
        differs = f"({kind} IS NOT NULL AND NOT {either} AND {shown})"
        return differs, [below, *given, below, below]

    def _numbers(self, kind: str, below: list[str]) -> list[Part]:
        """Numbers are stored as they are, or, where JSON has no exact form for one, as text in an
        object (`flows.values`)."""
        number = self.wanted.number
        if number is None:
            return []
        held = (
            f"(CASE {kind} WHEN 'number' THEN {TEXT}::numeric "
            f"WHEN 'object' THEN ({VALUE} ->> '$number')::numeric END)"
        )
        given = [below, below, below]
        if self.wanted.sign not in ORDERED:
            return [(f"{held} = %s::numeric", [*given, str(number)])]
        # NaN is greater than everything to the database, and has no order.
        sql = f"({held} {self.wanted.sign} %s::numeric AND {held} <> 'NaN'::numeric)"
        return [(sql, [*given, str(number), *given])]

    def _moments(self, kind: str, below: list[str]) -> list[Part]:
        if self.wanted.moments is None:
            return []
        bounds = (self.wanted.moments.low, self.wanted.moments.high)
        # What the database could not read is passed over.
        held = (
            f"(CASE {kind} WHEN 'object' THEN CASE WHEN ({VALUE} ->> '$datetime') ~ %s "
            f"THEN ({VALUE} ->> '$datetime')::timestamptz END END)"
        )
        given: list[Any] = [below, below, READABLE, below]
        asked = [
            (f"{held} {sign} %s", [*given, bound.at])
            for sign, bound in zip((">=", "<"), bounds, strict=True)
            if bound is not None
        ]
        if not asked:  # until the end of the calendar
            asked = [(f"{held} IS NOT NULL", given)]
        sql = " AND ".join(part for part, _ in asked)
        return [(f"({sql})", [one for _, each in asked for one in each])]


def _either(parts: Sequence[Part]) -> Part:
    """Whether one of some conditions holds; not where nothing is known."""
    sql = " OR ".join(part for part, _ in parts)
    return f"coalesce({sql}, false)", [one for _, given in parts for one in given]
