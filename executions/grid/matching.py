"""What a term of a filter means for an event. `conditions` means the same to the database. Pure.

A test takes an event, the values of the variables that it asks for, and the time; it returns "" or
in a few words why the event does not match.
"""

import operator
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from executions.grid import spans, words
from executions.grid.fields import ME, VARIABLE, Field, Kind
from executions.grid.terms import Term, Wanted
from executions.live.events import ExecutionChanged
from flows.values import Masked

TICK = timedelta(microseconds=1)
Values = Mapping[str, Any]
Test = Callable[[ExecutionChanged, Values, datetime], str]
Holds = Callable[[ExecutionChanged, Values, datetime], bool]

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

        def holds(event: ExecutionChanged, variables: Values, now: datetime) -> bool:
            return all(one(event, variables, now) for one in tests)

    why = f"{field.label} is no longer {'other than ' if term.negated else ''}" + (
        " or " if field.kind.alternatives else " and "
    ).join(term.values)

    def tested(event: ExecutionChanged, variables: Values, now: datetime) -> str:
        return "" if holds(event, variables, now) is not term.negated else why

    return tested


def searched(search: str) -> Test:
    """The test of words that are searched for."""
    wanted = words.words(search)
    digits = search.replace("-", "").lower()

    def tested(event: ExecutionChanged, variables: Values, now: datetime) -> str:
        held = [word for column in SEARCHED for word in words.words(getattr(event, column))]
        if not wanted or words.has_all(wanted, held) or is_id(event):
            return ""
        return f"“{search}” is no longer found"

    def is_id(event: ExecutionChanged) -> bool:
        return len(digits) >= 8 and event.id.replace("-", "").startswith(digits)

    return tested


def _any_of(field: Field, values: tuple[str, ...], me: int | None) -> Holds:
    if field.kind is not Kind.NAME:
        wanted = frozenset(values)
        return lambda event, variables, now: getattr(event, field.column) in wanted
    mine = bool(field.person) and ME in values
    whole = frozenset(
        value if field.exact_case else words.fold(value)
        for value in values
        if not value.endswith("*") and not (mine and value == ME)
    )
    begin = tuple(words.fold(value[:-1]) for value in values if value.endswith("*"))

    def holds(event: ExecutionChanged, variables: Values, now: datetime) -> bool:
        if mine and me is not None and getattr(event, field.person) == me:
            return True
        name = getattr(event, field.column)
        folded = words.fold(name)
        return (name if field.exact_case else folded) in whole or (
            bool(name) and folded.startswith(begin)
        )

    return holds


def _one(field: Field, value: str) -> Holds:
    match field.kind:
        case Kind.WORDS:
            wanted = words.words(value)
            if field.key == "message":  # that of an exception
                return lambda event, variables, now: (
                    bool(event.error_type)
                    and words.has_all(wanted, words.words(event.error_message))
                )
            return lambda event, variables, now: words.has_all(
                wanted, words.words(getattr(event, field.column))
            )
        case Kind.TIME:
            times = spans.times(value)[0]
            return lambda event, variables, now: times.holds(getattr(event, field.column), now)
        case Kind.NUMBER:
            numbers = spans.numbers(value)[0]
            return lambda event, variables, now: numbers.holds(getattr(event, field.column))
        case Kind.DURATION:
            length = spans.durations(value)[0]
            return lambda event, variables, now: length.holds(_took(event, now))
        case Kind.FLAG:
            flag = FLAGS[field.key, value]
            return lambda event, variables, now: flag(event)
        case Kind.VARIABLE:
            return _variable(field.key[len(VARIABLE) :], Wanted.parse(value))
    raise AssertionError(field.kind)


def _took(event: ExecutionChanged, now: datetime) -> int:
    """Microseconds until its end, or until now."""
    if event.ended_at is None:
        return (now - event.started_at) // TICK
    return max((event.ended_at - event.started_at) // TICK, 0)


FLAGS: dict[tuple[str, str], Callable[[ExecutionChanged], bool]] = {
    ("is", "root"): lambda event: event.parent_id is None,
    ("is", "child"): lambda event: event.parent_id is not None,
    ("is", "live"): lambda event: event.ended_at is None,
    ("is", "over"): lambda event: event.ended_at is not None,
    ("has", "exception"): lambda event: bool(event.error_type),
    ("has", "children"): lambda event: event.child_count > 0,
}

_MISSING = object()
_SIGNS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


def _variable(path: str, wanted: Wanted) -> Holds:
    name, *below = path.split(".")
    name = name.casefold()

    def holds(event: ExecutionChanged, variables: Values, now: datetime) -> bool:
        value = variables.get(name, _MISSING)
        for key in below:
            if isinstance(value, dict):
                value = value.get(key, _MISSING)
            elif isinstance(value, list) and key.isascii() and key.isdigit():
                value = value[int(key)] if int(key) < len(value) else _MISSING
            else:
                return False
        if value is _MISSING or isinstance(value, Masked):
            return False
        if wanted.sign in ("=", "!="):
            return _equals(value, wanted) is (wanted.sign == "=")
        compare = _SIGNS[wanted.sign]
        if wanted.number is not None:
            return _is_number(value) and bool(compare(value, wanted.number))
        return isinstance(value, datetime) and bool(compare(value, wanted.moment))

    return holds


def _equals(value: Any, wanted: Wanted) -> bool:
    if isinstance(value, str):
        return value == wanted.text
    if wanted.quoted:
        return False
    if isinstance(value, bool):
        return wanted.text == ("true" if value else "false")
    if value is None:
        return wanted.text == "null"
    if _is_number(value):
        return wanted.number is not None and bool(value == wanted.number)
    return isinstance(value, datetime) and value == wanted.moment


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
