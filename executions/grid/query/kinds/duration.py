"""How long an execution took; while it is not over, until now."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, ClassVar

from django.db.models import DurationField, Q, Value
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from executions.events import ExecutionChanged
from executions.grid.query.errors import InvalidValue
from executions.grid.query.kinds.kind import AllOf, Predicate, QueryContext
from executions.grid.query.kinds.suggestions import SuggestedValue
from executions.grid.query.ranges import TICK, NumberRange, parse_length, parse_range
from executions.models.expressions import Length


@dataclass(frozen=True)
class Duration(AllOf):
    """A range of lengths of time."""

    name = "duration"
    hint = "Longer or shorter, as in >10s or <1m30s, or a range such as 10s..1m."
    examples: ClassVar[Sequence[str]] = (
        *(">1s", ">=1s", "<1s", "<=1s", "1s..1m", "..999ms", ">20m", "<30m", "1s..40m", ">=0s"),
    )
    is_ordered = True

    def parse(self, text: str, zone: tzinfo) -> str:
        return parse_durations(text)[1]

    def value_sql(self, value: str, context: QueryContext) -> Q:
        lengths, now = parse_durations(value)[0], context.now
        low, high = (n if n is None else n * TICK for n in (lengths.low, lengths.high))
        over, running = Q(), Q(ended_at=None)
        if low is not None:
            over &= Q(GreaterThanOrEqual(Length(), Value(low, DurationField())))
            running &= Q(started_at__lte=now - low)
        if high is not None:
            over &= Q(LessThan(Length(), Value(high, DurationField())))
            running &= Q(started_at__gt=now - high)
            return over | running
        # What is not over is longer than anything to the index: only the young ones are left out.
        return over & (Q(ended_at__isnull=False) | running)

    def value_matches(self, value: str) -> Predicate:
        lengths = parse_durations(value)[0]
        return lambda event, context: lengths.holds(_microseconds(event, context.now))

    def suggest(self, user: Any, typed: str) -> list[SuggestedValue]:
        presets = (
            (">10s", "Longer than 10 s"),
            (">1m", "Longer than 1 min"),
            ("<1s", "Shorter than 1 s"),
        )
        return [SuggestedValue(*one) for one in presets if one[0].startswith(typed)]


def parse_durations(text: str) -> tuple[NumberRange, str]:
    """Return a range of microseconds and its one spelling. Raises InvalidValue."""
    if not re.search(r"[<>]|\.\.", text):
        raise InvalidValue(f"Write >{text}, <{text} or a range such as 10s..1m.")
    low, high, spelling = parse_range(text, _read)
    return NumberRange(low, high), spelling


def _read(word: str) -> tuple[int, int, str]:
    length = parse_length(word)
    if length is None:
        raise InvalidValue(f"“{word}” is not a duration. Write >10s, <1m30s or 250ms..2h.")
    return length // TICK, length // TICK + 1, word.lower()


def _microseconds(event: ExecutionChanged, now: datetime) -> int:
    if event.ended_at is None:
        return (now - event.started_at) // TICK
    return max((event.ended_at - event.started_at) // TICK, 0)
