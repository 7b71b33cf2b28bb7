"""The charts of an overview over time: throughput, success rate and duration."""

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Any

from executions.charts import scales
from executions.charts.lines import Chart, Line, Mark, Plan, Slot, draw
from executions.overview.figures import Figures
from executions.overview.scope import COMPARISONS, Scope, ended, within
from executions.overview.values import (
    ended_in,
    failed_in,
    failure_text,
    hourly,
    quantile_in,
    succeeded_in,
    success_in,
)
from executions.statistics.read import Bucket
from flows.formatting import duration


def charts(scope: Scope, figures: Figures, zone: tzinfo) -> list[dict[str, Any]]:
    """Return throughput, success rate and duration, each with its number of the whole span."""
    slots = [
        Slot(
            one.start,
            one.end,
            failure_text(one.counts),
            scope.grid(("ended", within(one.start, one.end))),
        )
        for one in figures.buckets
    ]
    marks = [
        Mark(one.published_at, f"{one.flow.name} v{one.number}")
        for one in figures.versions
        if one.published_at is not None
    ]
    total = figures.total
    rate = total.failure_rate
    p95 = total.durations.quantile(0.95)
    throughput = [
        Line("ended", [succeeded_in(one) for one in figures.buckets], "st-running"),
        Line("failed", [failed_in(one) for one in figures.buckets], "st-error", stacked=True),
        *_then(scope, figures, ended_in),
    ]
    success = [
        Line("succeeded", [success_in(one) for one in figures.buckets], "st-ended"),
        *_then(scope, figures, success_in),
    ]
    durations = [
        Line("p95", [quantile_in(one, "durations") for one in figures.buckets], "secondary"),
        Line(
            "p50",
            [quantile_in(one, "durations", 0.5) for one in figures.buckets],
            "muted",
            dashed=True,
        ),
        *_then(scope, figures, lambda one: quantile_in(one, "durations"), "p95 "),
    ]

    def plan(key: str, title: str, lines: list[Line], axis: scales.Axis) -> Chart:
        return draw(
            Plan(key=key, title=title, slots=slots, lines=lines, axis=axis, zone=zone, marks=marks)
        )

    every_end = [ended_in(one) for one in figures.buckets]
    then = [value for line in throughput[2:] for value in line.values]
    grid = scope.grid(ended(figures.span))
    return [
        {
            "chart": plan(
                "throughput", "Throughput", throughput, scales.counts([*every_end, *then])
            ),
            "value": f"{hourly(total.ended, figures.span)} / h",
            "url": grid,
        },
        {
            "chart": plan(
                "success", "Success rate", success, scales.percentages(_all_values(success))
            ),
            "value": scales.percent(100 * (1 - rate)) if rate is not None else "–",
            "url": scope.grid(("is", "failed"), ended(figures.span)),
        },
        {
            "chart": plan(
                "duration",
                "Duration",
                durations,
                scales.durations(_all_values(durations), duration),
            ),
            "value": duration(p95) if p95 is not None else "–",
            "url": grid,
        },
    ]


def _all_values(lines: Sequence[Line]) -> list[float | None]:
    return [value for line in lines for value in line.values]


def _then(
    scope: Scope, figures: Figures, value: Callable[[Bucket], float | None], prefix: str = ""
) -> list[Line]:
    """Return the line of what the span is compared with, if it is. A clock that was changed between
    gives it other buckets; what is beyond is left out."""
    if figures.before is None:
        return []
    then = [value(bucket) for bucket in figures.before][: len(figures.buckets)]
    then += [None] * (len(figures.buckets) - len(then))
    return [Line(f"{prefix}{COMPARISONS[scope.compare]}", then, "muted", dashed=True)]
