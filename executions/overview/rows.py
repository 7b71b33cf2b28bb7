"""The rows of an overview: flows, failures, workers and queues."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from django.urls import reverse
from django.utils import timezone

from executions.charts import scales, strips
from executions.charts.lines import Slot, time_writer
from executions.charts.strips import Bars, HeatStrip, Part
from executions.overview.figures import FailureFigures, Figures, FlowFigures
from executions.overview.scope import Scope, ended, within
from executions.overview.sentence import FAILING
from executions.overview.values import ended_in, failed_in, failure_text
from executions.states import Status
from executions.statistics.read import Bucket
from executions.statistics.spans import Span
from executions.workers import Worker
from flows.formatting import clock, duration

#: From this part of failed executions on, a flow's number is red.
BAD = FAILING


def flow_row(scope: Scope, flow: FlowFigures, zone: tzinfo) -> dict[str, Any]:
    """Return the row of a flow."""
    counts, rate = flow.counts, flow.counts.failure_rate
    span = Span(flow.parts[0].start, flow.parts[-1].end)
    return {
        "name": flow.name,
        "url": reverse("flow", args=[flow.name]),
        "runs": counts.ended,
        "runs_url": scope.grid(ended(span), flow=flow.name),
        "failed": scales.percent(100 * rate) if rate is not None else "–",
        "failed_title": failure_text(counts),
        "failed_url": scope.grid(("is", "failed"), ended(span), flow=flow.name),
        "is_bad": rate is not None and rate >= BAD,
        "p95": duration(counts.durations.quantile(0.95)) or "–",
        "strip": heat_of(scope, flow, zone),
        "bars": bars_of(flow.parts),
    }


def heat_of(scope: Scope, flow: FlowFigures, zone: tzinfo) -> HeatStrip:
    """Return the heat strip of a flow."""
    write = time_writer([Slot(one.start, one.end) for one in flow.parts], zone)
    parts = []
    for one in flow.parts:
        counts = one.counts
        rate = counts.failure_rate if counts is not None else None
        url = ""
        if counts is not None and counts.ended:
            more = [("is", "failed")] if counts.failed else []
            url = scope.grid(*more, ("ended", within(one.start, one.end)), flow=flow.name)
        parts.append(Part(rate, write(Slot(one.start, one.end)), failure_text(counts), url))
    return strips.heat_strip(flow.name, flow.counts.failure_rate, parts)


def bars_of(parts: Sequence[Bucket]) -> Bars:
    """Return how much ended in each part of a span, as bars."""
    return strips.bars([ended_in(part) for part in parts])


def times_of_parts(figures: Figures, zone: tzinfo) -> list[tuple[float, str, str]]:
    """Return the times above the heat strips: where in percent, which, and its anchor."""
    if not figures.flows:
        return []
    parts = figures.flows[0].parts
    start, end = parts[0].start, parts[-1].end
    days = (end - start).total_seconds() > 2 * 86_400
    found: list[tuple[float, str, str]] = []
    for quarter in range(4):
        at = (start + (end - start) * quarter / 4).astimezone(zone)
        text = f"{at.day} {at:%b}" if days else f"{at:%H:%M}"
        found.append((25.0 * quarter, text, "start"))
    return [*found, (100.0, "now", "end")]


def failure_row(scope: Scope, failure: FailureFigures, span: Span) -> dict[str, Any]:
    """Return the row of a failure."""
    group = failure.group
    values = [failed_in(part) for part in failure.parts]
    return {
        "group": group,
        "url": group.get_absolute_url(),
        "count": failure.count,
        "count_url": f"{reverse('executions')}?failure={group.pk}&is=failed&{_range(span)}",
        "line": strips.sparkline([value or 0 for value in values], width=80, height=18),
        "wall_line": strips.sparkline([value or 0 for value in values], width=110, height=28),
        "flow_url": reverse("flow", args=[group.flow.name]),
    }


def _range(span: Span) -> str:
    key, value = ended(span)
    return f"{key}={value.replace(':', '%3A')}"


def worker_column(worker: Worker) -> dict[str, Any]:
    """Return how a worker is drawn."""
    part = worker.busy / worker.slots if worker.slots else 0.0
    height = round(28 * min(1.0, part), 1)
    state = f"{worker.busy} of {worker.slots} slots busy"
    since = datetime.fromtimestamp(worker.seen_at, timezone.get_current_timezone())
    if worker.is_silent:
        state = f"silent since {clock(since)}"
    return {
        "name": worker.name,
        "short": worker.name.partition("@")[2] or worker.name,
        "is_silent": worker.is_silent,
        "since": since,
        "title": f"{worker.name}: {state}",
        "url": reverse("worker", args=[worker.name]),
        "top": 28 - height,
        "height": height,
    }


def queue_rows(scope: Scope, figures: Figures) -> list[dict[str, Any]]:
    """Return the rows of the queues."""
    slots = sum(worker.slots for worker in figures.online)
    longest = max([slots, 1, *(queue.length for queue in figures.queues)])
    urls = {
        "executions": f"{reverse('executions')}?status={Status.QUEUED.value}",
        "bulk jobs": reverse("bulk-jobs"),
    }
    return [
        {
            "name": queue.name,
            "length": queue.length,
            "part": round(100 * queue.length / longest, 1),
            "since": queue.since,
            "url": urls[queue.name],
        }
        for queue in figures.queues
    ]
