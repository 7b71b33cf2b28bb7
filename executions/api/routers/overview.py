"""The numbers of the overview."""

from datetime import datetime
from typing import Annotated, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema

from executions import access
from executions.api.filters import FILTERS, read_filters
from executions.api.one_of import OneOf
from executions.overview import figures
from executions.overview.scope import COMPARISONS, DEFAULT_SPAN, FLOW_FIELDS, SPANS, Scope
from executions.statistics.counts import Counts

PATH = "/v1/overview"
ROUTER = Router(tags=["Overview"])

Span = Annotated[str, OneOf(SPANS)]
Comparison = Annotated[str, OneOf(["", *COMPARISONS])]


class Numbers(Schema):
    """What executions did."""

    started: int
    ended: int
    succeeded: int
    failed: int
    stopped: int

    @classmethod
    def of(cls, counts: Counts) -> "Numbers":
        return cls(**{name: getattr(counts, name) for name in cls.model_fields})


class Part(Schema):
    """What they did in a part of the span; nothing where nothing ran."""

    start: datetime
    end: datetime
    numbers: Numbers | None


class FlowNumbers(Schema):
    name: str
    numbers: Numbers


class Live(Schema):
    status: str
    count: int
    since: datetime = Field(description="Since when the oldest has been in it.")


class QueueLength(Schema):
    name: str
    length: int
    since: datetime | None


class Overview(Schema):
    """How executions fare."""

    at: datetime
    start: datetime
    live: list[Live]
    total: Numbers
    total_before: Numbers
    parts: list[Part]
    flows: list[FlowNumbers]
    unsolved_failures: int
    without_owner: int
    workers_online: int | None = Field(description="Null where nobody knows.")
    workers_silent: list[str]
    queues: list[QueueLength]


@ROUTER.get(
    "",
    response=Overview,
    openapi_extra={"parameters": [one for one in FILTERS if one["name"] in FLOW_FIELDS]},
)
def get_overview(
    request: HttpRequest, span: Span = DEFAULT_SPAN, compare: Comparison = ""
) -> dict[str, Any]:
    """Return the numbers of the executions that you may see, of all flows or of some."""
    if not access.sees_some(request.user):
        raise PermissionDenied("You see no executions but those that you started.")
    read_filters(request.GET, own=("span", "compare"))
    scope = Scope.parse(request.GET, access.seen_flows(request.user))
    found = figures.take(scope, timezone.get_current_timezone())
    numbers = found.live.numbers
    return {
        "at": found.at,
        "start": found.span.start,
        "live": [
            {"status": status, "count": numbers[status], "since": since}
            for status, since in found.live.since.items()
        ],
        "total": Numbers.of(found.total),
        "total_before": Numbers.of(found.total_before),
        "parts": [
            {
                "start": one.start,
                "end": one.end,
                "numbers": Numbers.of(one.counts) if one.counts else None,
            }
            for one in found.buckets
        ],
        "flows": [{"name": one.name, "numbers": Numbers.of(one.counts)} for one in found.flows],
        "unsolved_failures": sum(
            found.failures.by_state.get(state, 0) for state in ("open", "regressed")
        ),
        "without_owner": found.failures.without_owner,
        "workers_online": None if found.workers is None else len(found.online),
        "workers_silent": [worker.name for worker in found.silent],
        "queues": found.queues,
    }
