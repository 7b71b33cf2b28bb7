"""The trend of a failure group as a chart: bars by hour, with the versions and repairs marked."""

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from executions.charts import scales
from executions.charts.lines import Chart, Line, Mark, Plan, Slot, draw
from executions.failures.trend import Hour, Trend
from executions.failures.trend import Mark as TrendMark
from executions.models import FailureGroup
from executions.overview.scope import within

#: The chart is wide, and says every day.
_DAYS = 7


def trend_chart(group: FailureGroup, trend: Trend) -> Chart:
    """Return the chart. What came after the last repair is red, and a series of its own."""
    numbers = [float(hour.number) for hour in trend.hours]
    return draw(
        Plan(
            key="trend",
            title="Executions that failed, by hour",
            slots=[_slot(group, hour) for hour in trend.hours],
            lines=_lines(trend, numbers),
            axis=scales.counts(numbers),
            zone=timezone.get_current_timezone(),
            marks=[Mark(mark.at, _label(mark)) for mark in trend.marks],
            bars=True,
            days=_DAYS,
        )
    )


def _lines(trend: Trend, numbers: list[float]) -> list[Line]:
    since = [
        number if hour.is_current else None
        for hour, number in zip(trend.hours, numbers, strict=True)
    ]
    if None not in since:
        return [Line("failed", since, "st-error")]
    before = [
        None if value is not None else number for value, number in zip(since, numbers, strict=True)
    ]
    return [
        Line("before it was resolved", before, "before-repair"),
        Line("since", since, "st-error"),
    ]


def _slot(group: FailureGroup, hour: Hour) -> Slot:
    if not hour.number:
        return Slot(hour.start, hour.end, "none failed")
    query = urlencode([*group.filters, ("ended", within(hour.start, hour.end))])
    return Slot(hour.start, hour.end, "failed", f"{reverse('executions')}?{query}")


def _label(mark: TrendMark) -> str:
    version = f"v{mark.version}" if mark.version else ""
    if not mark.resolved_by:
        return version
    return f"{version} ✓ {mark.resolved_by}".strip()
