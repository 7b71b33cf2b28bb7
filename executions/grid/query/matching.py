"""What a term of a filter means for an event. `conditions` means the same to the database. Pure.

A test takes an event and what is known beside it; it returns "" or in a few words why the event
does not match.
"""

import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from executions.events import ExecutionChanged
from executions.grid.query import lexemes, ranges
from executions.grid.query.fields import ME, VARIABLE, Field, Kind
from executions.grid.query.filter_terms import EMPTY, ORDERED, Term, Wanted
from executions.states import Reason, Status
from flows import value_paths
from flows.values import Masked, is_object

TICK = timedelta(microseconds=1)
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Beside:
    """What it takes beside an event: the values of the variables that are asked for, by name, what
    time it is, and the ids of the executions that `me` watches."""

    variables: Values
    now: datetime
    watched: Collection[str] = ()


Test = Callable[[ExecutionChanged, Beside], str]
Holds = Callable[[ExecutionChanged, Beside], bool]

SEARCHED = (
    "flow_name", "block_type", "block_description", "workspace_name", "error_type",
    "error_message", "initiator_name",
)  # fmt: skip


def test(term: Term, me: int | None) -> Test:
    """The test of a term."""
    field = term.field
    if field.kind.alternatives:
        holds = _any_of(field, term.values, me)
    else:
        tests = [_one(field, value) for value in term.values]

        def holds(event: ExecutionChanged, beside: Beside) -> bool:
            return all(one(event, beside) for one in tests)

    why = _why(term)

    def tested(event: ExecutionChanged, beside: Beside) -> str:
        return "" if holds(event, beside) is not term.negated else why

    return tested


def _why(term: Term) -> str:
    """What is said of an event that a term no longer lets through."""
    field, values = term.field, term.values
    if field.kind is not Kind.FLAG:
        joined = (" or " if field.kind.alternatives else " and ").join(values)
        return f"{field.label} is no longer {'other than ' if term.negated else ''}{joined}"
    if values == ("watched",):
        return "you watch it now" if term.negated else "you no longer watch it"
    labels = [label.lower() for value, label in field.options if value in values]
    joined = " and ".join(labels if field.key == "has" else values)
    return (
        f"it {field.key} {joined} now" if term.negated else f"it {_NO_LONGER[field.key]} {joined}"
    )


_NO_LONGER = {"is": "is no longer", "has": "no longer has"}


def searched(search: str) -> Test:
    """The test of words that are searched for."""
    wanted = lexemes.words(search)
    digits = search.replace("-", "").lower()

    def tested(event: ExecutionChanged, beside: Beside) -> str:
        held = [word for column in SEARCHED for word in lexemes.words(getattr(event, column))]
        if not wanted or lexemes.has_all(wanted, held) or is_id(event):
            return ""
        return f"“{search}” is no longer found"

    def is_id(event: ExecutionChanged) -> bool:
        return len(digits) >= 8 and event.id.replace("-", "").startswith(digits)

    return tested


def _any_of(field: Field, values: tuple[str, ...], me: int | None) -> Holds:
    if field.kind is not Kind.NAME:
        wanted = frozenset(values)
        return lambda event, beside: getattr(event, field.column) in wanted
    mine = bool(field.person) and ME in values
    whole = frozenset(
        "" if value == EMPTY else value if field.exact_case else lexemes.fold(value)
        for value in values
        if not value.endswith("*") and not (mine and value == ME)
    )
    begin = tuple(lexemes.fold(value[:-1]) for value in values if value.endswith("*"))

    def holds(event: ExecutionChanged, beside: Beside) -> bool:
        if field.key == "semaphore" and not _waits_for_semaphore(event):
            return False
        if mine and me is not None and getattr(event, field.person) == me:
            return True
        value = getattr(event, field.column)
        return any(map(is_wanted, value.split("\n") if field.several else [value]))

    def is_wanted(name: str) -> bool:
        folded = lexemes.fold(name)
        return (name if field.exact_case else folded) in whole or (
            bool(name) and folded.startswith(begin)
        )

    return holds


def _one(field: Field, value: str) -> Holds:
    match field.kind:
        case Kind.WORDS:
            wanted = lexemes.words(value)
            if field.key == "message":  # that of an exception
                return lambda event, beside: (
                    bool(event.exception_types)
                    and lexemes.has_all(wanted, lexemes.words(event.error_message))
                )
            return lambda event, beside: lexemes.has_all(
                wanted, lexemes.words(getattr(event, field.column))
            )
        case Kind.TIME:
            times = ranges.times(value)[0]
            return lambda event, beside: times.holds(getattr(event, field.column), beside.now)
        case Kind.NUMBER:
            numbers = ranges.numbers(value)[0]
            return lambda event, beside: numbers.holds(getattr(event, field.column))
        case Kind.DURATION:
            length = ranges.durations(value)[0]
            return lambda event, beside: length.holds(_took(event, beside.now))
        case Kind.FLAG:
            return FLAGS[field.key, value]
        case Kind.VARIABLE:
            return _variable(field.key[len(VARIABLE) :], Wanted.parse(value))
    raise AssertionError(field.kind)


def _took(event: ExecutionChanged, now: datetime) -> int:
    """Microseconds until its end, or until now."""
    if event.ended_at is None:
        return (now - event.started_at) // TICK
    return max((event.ended_at - event.started_at) // TICK, 0)


FLAGS: dict[tuple[str, str], Holds] = {
    ("is", "root"): lambda event, beside: event.parent_id is None,
    ("is", "child"): lambda event, beside: event.parent_id is not None,
    ("is", "live"): lambda event, beside: event.ended_at is None,
    ("is", "over"): lambda event, beside: event.ended_at is not None,
    ("is", "failed"): lambda event, beside: event.status == Status.ERROR or event.unhandled,
    ("is", "unhandled"): lambda event, beside: event.unhandled,
    ("has", "exception"): lambda event, beside: bool(event.exception_types),
    ("has", "children"): lambda event, beside: event.child_count > 0,
    ("has", "failed-children"): lambda event, beside: event.failed_descendants > 0,
    ("is", "watched"): lambda event, beside: event.id in beside.watched,
}


def _waits_for_semaphore(event: ExecutionChanged) -> bool:
    """What it waited for is still there when it waits no longer."""
    return event.status == Status.RUNNING and event.reason == Reason.SEMAPHORE


_MISSING = object()
_SIGNS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


def _variable(path: str, wanted: Wanted) -> Holds:
    name, *below = value_paths.split(path)
    name = name.casefold()

    def holds(event: ExecutionChanged, beside: Beside) -> bool:
        value = beside.variables.get(name, _MISSING)
        for key in below:
            value = _part(value, key)
        if value is _MISSING or isinstance(value, Masked):
            return False
        if wanted.sign in ORDERED:
            return _is_beyond(value, wanted)
        return _equals(value, wanted) is (wanted.sign == "=")

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


def _is_beyond(value: Any, wanted: Wanted) -> bool:
    if isinstance(value, datetime):
        return _is_within(value, wanted)
    number = wanted.number
    if number is None or not _is_number(value) or value != value:
        return False
    return bool(_SIGNS[wanted.sign](_exactly(value), number))


def _is_within(value: datetime, wanted: Wanted) -> bool:
    if wanted.moments is None:
        return False
    return wanted.moments.holds(value, value)  # none of them counts from now


def _exactly(value: float) -> Decimal:
    """A number as it is written where it is stored."""
    return Decimal(repr(value))


def _equals(value: Any, wanted: Wanted) -> bool:
    if isinstance(value, str):
        return value == wanted.text
    if wanted.quoted:
        return False
    if isinstance(value, bool):
        return wanted.text == ("true" if value else "false")
    if value is None:
        return wanted.text == "null"
    if isinstance(value, datetime):
        return _is_within(value, wanted)
    number = wanted.number
    if number is None or not _is_number(value):
        return False
    held = _exactly(value)
    return (held.is_nan() and number.is_nan()) or held == number


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
