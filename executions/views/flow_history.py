"""How a flow has been over a span, and by version: from the statistics, for those who may see every
execution of the flow."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from executions import access
from executions.charts import scales
from executions.charts.lines import Chart, Line, Mark, Plan, Slot, draw
from executions.overview.scope import within
from executions.statistics import read
from executions.statistics.counts import Counts
from executions.statistics.read import Bucket, Selection
from executions.statistics.spans import Span
from flows import formatting
from flows.models import Flow

#: The spans by their names, each with its words and the step of its buckets.
SPANS: dict[str, tuple[str, timedelta, str | int]] = {
    "24h": ("24 h", timedelta(hours=24), "hour"),
    "7d": ("7 days", timedelta(days=7), 360),
    "30d": ("30 days", timedelta(days=30), "day"),
}


@dataclass(frozen=True, slots=True)
class History:
    """The charts of a span, what one may choose, and the counts by the version's id."""

    charts: list[Chart]
    span: str
    spans: list[tuple[str, str]]
    by_version: dict[int, Counts]
    since: str


def history(user: Any, flow: Flow, asked: str) -> History | None:
    """Return how a flow has been; None for those who see only what they have started."""
    if access.seen(user).whose(flow.name) is not None:
        return None
    name = asked if asked in SPANS else "24h"
    _, length, step = SPANS[name]
    span, zone = Span.last(length), timezone.get_current_timezone()
    only = Selection(flows=[flow.pk])
    buckets = read.series(span, step, zone, only)
    slots = [_slot(flow, one) for one in buckets]
    marks = [
        Mark(at, f"v{number}", f"{flow.get_absolute_url()}?version={number}")
        for number, at in flow.versions.filter(
            published_at__gte=span.start, published_at__lt=span.end
        ).values_list("number", "published_at")
        if at is not None
    ]
    well = [None if c is None else float(c.ended - c.failed) for c in _counts(buckets)]
    failed = [None if c is None else float(c.failed) for c in _counts(buckets)]
    p95 = [None if c is None else c.durations.quantile(0.95) for c in _counts(buckets)]
    runs = [Line("ended", well, "st-running"), Line("failed", failed, "st-error", stacked=True)]
    ended = [None if c is None else float(c.ended) for c in _counts(buckets)]
    shown = [
        ("runs", "Ended", runs, scales.counts(ended)),
        (
            "p95",
            "Duration",
            [Line("p95", p95, "secondary")],
            scales.durations(p95, formatting.duration),
        ),
    ]
    return History(
        charts=[
            draw(Plan(key=k, title=t, slots=slots, lines=lines, axis=axis, zone=zone, marks=marks))
            for k, t, lines, axis in shown
        ],
        span=name,
        spans=[(key, words) for key, (words, *_) in SPANS.items()],
        by_version=read.by_version(span, only),
        since=f">={span.start:%Y-%m-%dT%H:%M}Z",
    )


def _counts(buckets: list[Bucket]) -> list[Counts | None]:
    return [one.counts for one in buckets]


def _slot(flow: Flow, bucket: Bucket) -> Slot:
    counts = bucket.counts
    words = f"{counts.failed:,} of {counts.ended:,} failed" if counts else "nothing ran"
    ended = _grid(flow, ended=within(bucket.start, bucket.end))
    return Slot(bucket.start, bucket.end, words, ended)


def _grid(flow: Flow, **more: str) -> str:
    return f"{reverse('executions')}?{urlencode({'flow': flow.name, **more})}"
