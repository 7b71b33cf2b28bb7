"""When something happened: a range of moments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, ClassVar

from django.db.models import Q

from executions.events import ExecutionChanged
from executions.grid.query.kinds.kind import AllOf, EventContext, Predicate, QueryContext
from executions.grid.query.kinds.suggestions import SuggestedValue
from executions.grid.query.moments import moment_range
from executions.grid.query.ranges import between

_PRESETS = (
    ("today", "Today, from midnight"),
    ("yesterday", "Yesterday"),
    (">-15m", "In the last 15 minutes"),
    (">-2h", "In the last 2 hours"),
    (">-1d", "In the last 24 hours"),
    (">-7d", "In the last 7 days"),
)


@dataclass(frozen=True)
class Moment(AllOf):
    """A moment in a column. Where that is empty, it is in no range."""

    name = "time"
    hint = "Since two hours ago is >-2h. Or a day, or a range such as 2026-11-01..2026-11-03."
    examples: ClassVar[Sequence[str]] = (
        *("-30m", "-1h", "<=-20m", "now..", "2026-11-24T10:30..-10m", "today", "yesterday"),
        *("2026-11-24", "2026-11-24T11:30", "<2026-11-24T13:00+02:00", ">2026-11-23"),
        "..2026-11-24T11:20:07",
    )
    is_ordered = True

    column: str

    def parse(self, text: str, zone: tzinfo) -> str:
        return moment_range(text, zone)[1]

    def value_sql(self, value: str, context: QueryContext) -> Q:
        low, high = moment_range(value)[0].between(context.now)
        return between(self.column, low, high)

    def value_matches(self, value: str) -> Predicate:
        column, moments = self.column, moment_range(value)[0]

        def holds(event: ExecutionChanged, context: EventContext) -> bool:
            at = getattr(event, column)
            return at is not None and moments.holds(at, context.now)

        return holds

    def suggest(self, user: Any, typed: str) -> list[SuggestedValue]:
        return [SuggestedValue(*one) for one in _PRESETS if one[0].startswith(typed)]
