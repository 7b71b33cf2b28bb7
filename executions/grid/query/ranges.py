"""Ranges of numbers and lengths of time, as people write them: `>10`, `<=10`, `1..5`, `<1m30s`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.db.models import Q

from executions.grid.query.errors import InvalidValue

T = TypeVar("T")

#: The shortest time that is told apart.
TICK = timedelta(microseconds=1)
#: Longer times are refused: dates end.
LONGEST = timedelta(days=36_500)
UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Whole numbers from `low` to before `high`; None is open."""

    low: int | None
    high: int | None

    def holds(self, number: int) -> bool:
        """Return whether a number is in the range."""
        return (self.low is None or number >= self.low) and (
            self.high is None or number < self.high
        )


def parse_range(
    text: str, read: Callable[[str], tuple[T, T, str]]
) -> tuple[T | None, T | None, str]:
    """Return where a range begins, before what it ends, and its one spelling.

    `read` returns the same three of a word without signs, and raises InvalidValue.
    """
    text = text.strip()
    if found := re.fullmatch(r"(>=|<=|>|<|=)?\s*(.*)", text, re.DOTALL):
        sign, rest = found[1] or "", found[2].strip()
        if sign in (">", ">=", "<", "<="):
            start, end, spelling = read(rest)
            low = {">": end, ">=": start}.get(sign)
            high = {"<": start, "<=": end}.get(sign)
            return low, high, sign + spelling
        text = rest
    first, dots, last = text.partition("..")
    if not dots:
        return read(text)
    if not first.strip() and not last.strip():
        raise InvalidValue("A range needs a beginning, an end, or both.")
    low, _, since = read(first.strip()) if first.strip() else (None, None, "")
    _, high, until = read(last.strip()) if last.strip() else (None, None, "")
    return low, high, f"{since}..{until}"


def parse_length(text: str) -> timedelta | None:
    """Return a length of time such as `1m30s`; None for another text, and for more than LONGEST."""
    parts = re.findall(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d|w)", text.lower(), re.ASCII)
    if not parts or "".join(number + unit for number, unit in parts) != text.lower():
        return None
    try:
        length = sum((float(number) * UNITS[unit] for number, unit in parts), timedelta())
    except OverflowError:
        return None
    return length if length <= LONGEST else None


def between(column: str, low: Any, high: Any) -> Q:
    """Return the condition that a column is from `low` to before `high`; None is open."""
    wanted = Q()
    if low is not None:
        wanted &= Q(**{f"{column}__gte": low})
    if high is not None:
        wanted &= Q(**{f"{column}__lt": high})
    return wanted
