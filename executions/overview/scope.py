"""What an overview is about: some flows, a span until now, and what that is compared with. All of
it stands in the address."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from executions.grid.query.filters import Filters
from executions.statistics.spans import Span
from flows import queries
from flows.models import Flow
from flows.rights import FlowIds

#: The filters of the grid that choose flows.
FLOW_FIELDS = ("flow", "folder", "label")
_SECOND = timedelta(seconds=1)
#: From so many flows on, charts have fewer points: each is read for each flow.
_MANY_FLOWS = 50


@dataclass(frozen=True, slots=True)
class Length:
    """How long a span is, and how long its buckets are, in minutes: those of the charts, of the
    charts of many flows, and of the heat strips."""

    label: str
    words: str
    length: timedelta
    step: int
    coarse: int
    part: int
    part_words: str


SPANS = {
    "1h": Length("1 h", "last hour", timedelta(hours=1), 1, 5, 5, "five minutes"),
    "6h": Length("6 h", "last 6 hours", timedelta(hours=6), 5, 15, 15, "quarter of an hour"),
    "24h": Length("24 h", "last 24 hours", timedelta(hours=24), 15, 60, 60, "hour"),
    "7d": Length("7 d", "last 7 days", timedelta(days=7), 120, 360, 480, "8 hours"),
    "30d": Length("30 d", "last 30 days", timedelta(days=30), 720, 1440, 1440, "day"),
}
DEFAULT_SPAN = "24h"
LAST_WEEK = timedelta(days=7)
#: What a span is compared with: the value in the address, and its name.
COMPARISONS = {"previous": "the period before", "week": "last week"}


@dataclass(frozen=True, slots=True)
class Scope:
    """What one overview shows. `seen` are the flows that its reader sees; None for all."""

    filters: Filters
    span: str = DEFAULT_SPAN
    compare: str = ""
    seen: FlowIds = None

    @classmethod
    def parse(cls, parameters: QueryDict, seen: FlowIds = None) -> "Scope":
        """Read an address, for somebody who sees some flows. Values that mean nothing are left
        out."""
        chosen = QueryDict(mutable=True)
        for key in (*FLOW_FIELDS, *(f"-{key}" for key in FLOW_FIELDS)):
            if values := [value for value in parameters.getlist(key) if value.strip()]:
                chosen.setlist(key, values)
        span, compare = parameters.get("span", ""), parameters.get("compare", "")
        return cls(
            filters=Filters.parse(chosen),
            span=span if span in SPANS else DEFAULT_SPAN,
            compare=compare if compare in COMPARISONS else "",
            seen=seen,
        )

    @property
    def length(self) -> Length:
        return SPANS[self.span]

    @property
    def comparisons(self) -> dict[str, str]:
        """Return what the span may be compared with. Before the last 7 days is last week."""
        is_week = self.length.length == LAST_WEEK and self.compare != "previous"
        return {key: words for key, words in COMPARISONS.items() if not is_week or key == "week"}

    def address(self, page: str = "overview") -> str:
        """Return the address of a page of this scope."""
        pairs = list(self.filters.parameters())
        if self.span != DEFAULT_SPAN:
            pairs.append(("span", self.span))
        if self.compare:
            pairs.append(("compare", self.compare))
        return reverse(page) + (f"?{urlencode(pairs)}" if pairs else "")

    def with_span(self, span: str) -> "Scope":
        return replace(self, span=span)

    def with_comparison(self, compare: str) -> "Scope":
        return replace(self, compare=compare)

    def without(self, field: str) -> "Scope":
        return replace(self, filters=self.filters.with_values(field, ()))

    def flows(self) -> dict[int, str] | None:
        """Return the names of the flows that the filters let through and the reader sees, by id;
        None for all."""
        if not self.filters.terms and self.seen is None:
            return None
        arrangement, now = queries.arrangement(), timezone.now()
        seen = Flow.objects.all() if self.seen is None else Flow.objects.filter(pk__in=self.seen)
        return {
            pk: name
            for pk, name in seen.values_list("pk", "name")
            if self.filters.matches(_event_of(name), now=now, flows=arrangement)
        }

    @property
    def tells_of_workers(self) -> bool:
        """Whether it shows workers and queues: they are everybody's."""
        return self.seen is None

    def step(self, flows: Iterable[int] | None) -> int:
        """Return how many minutes a point of the charts stands for."""
        is_many = flows is not None and len(list(flows)) > _MANY_FLOWS
        return self.length.coarse if is_many else self.length.step

    def grid(self, *more: tuple[str, str], flow: str = "") -> str:
        """Return the address of the grid with this scope's flows, or one flow, and further
        filters."""
        pairs = [("flow", flow)] if flow else self.filters.parameters()
        return _address(tuple(pairs), more)


#: A page has hundreds, most of which it had when it was last rendered.
@lru_cache(maxsize=5_000)
def _address(pairs: tuple[tuple[str, str], ...], more: tuple[tuple[str, str], ...]) -> str:
    return f"{reverse('executions')}?{urlencode([*pairs, *more])}"


def _event_of(flow_name: str) -> Any:
    """Return as much of an event as the filters of flows look at."""
    return cast(Any, SimpleNamespace(flow_name=flow_name))


def within(start: datetime, end: datetime) -> str:
    """Return how a filter of the grid says that something happened from `start` to before `end`,
    two whole minutes."""
    return f"{_written(start)}..{_written(end - _SECOND)}"


def _written(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def ended(span: Span) -> tuple[str, str]:
    """Return the filter of what ended in a span."""
    return ("ended", within(span.start, span.end))
