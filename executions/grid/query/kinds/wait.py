"""How long an execution waited until a worker first took it; while none has, until now."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import DurationField, ExpressionWrapper, F, Q, Value
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from executions.events import ExecutionChanged
from executions.grid.query.kinds.duration import Duration, parse_durations
from executions.grid.query.kinds.kind import EventContext, Predicate, QueryContext
from executions.grid.query.ranges import TICK


@dataclass(frozen=True)
class Wait(Duration):
    """A range of lengths of time. What ended before a worker took it is in none."""

    def value_sql(self, value: str, context: QueryContext) -> Q:
        lengths, now = parse_durations(value)[0], context.now
        low, high = (n if n is None else n * TICK for n in (lengths.low, lengths.high))
        waited = ExpressionWrapper(F("first_claimed_at") - F("started_at"), DurationField())
        taken, waiting = Q(first_claimed_at__isnull=False), Q(first_claimed_at=None, ended_at=None)
        if low is not None:
            taken &= Q(GreaterThanOrEqual(waited, Value(low, DurationField())))
            waiting &= Q(started_at__lte=now - low)
        if high is not None:
            taken &= Q(LessThan(waited, Value(high, DurationField())))
            waiting &= Q(started_at__gt=now - high)
        return taken | waiting

    def value_matches(self, value: str) -> Predicate:
        lengths = parse_durations(value)[0]

        def holds(event: ExecutionChanged, context: EventContext) -> bool:
            waited = _microseconds(event, context.now)
            return waited is not None and lengths.holds(waited)

        return holds


def _microseconds(event: ExecutionChanged, now: datetime) -> int | None:
    until = event.first_claimed_at
    if until is None and event.ended_at is not None:
        return None
    return max(((until or now) - event.started_at) // TICK, 0)
