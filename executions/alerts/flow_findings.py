"""Findings about flows and their executions."""

from collections.abc import Callable, Mapping
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.urls import reverse

from executions.alerts.kind import (
    COUNTED,
    HISTORY_FLOWS,
    HISTORY_STEP,
    SHOWN,
    Check,
    Finding,
    Found,
    Interval,
)
from executions.states import WORKING
from executions.statistics import read
from executions.statistics.counts import Counts
from executions.statistics.histograms import Histogram
from flows.formatting import duration


def flow_finding(asked: Check, flow_id: int, text: str) -> Finding:
    name = asked.flow_name(flow_id)
    return Finding(
        group=f"flow {name}",
        text=f"{name}: {text}",
        address=reverse("flow", args=[name]),
        flow=name,
    )


def execution_finding(execution_id: UUID, flow_name: str, text: str) -> Finding:
    return Finding(
        group=f"flow {flow_name}",
        text=f"{flow_name} {str(execution_id)[-8:]} {text}",
        address=reverse("execution", args=[execution_id]),
        flow=flow_name,
        execution_id=str(execution_id),
    )


def worst_flows(asked: Check, number: Callable[[Counts], float]) -> list[int]:
    """Return the flows of the last days with the highest number, of those above 0."""
    counts = read.by_flow(asked.history, asked.selection)
    found = {pk: number(one) for pk, one in counts.items()}
    worst = sorted((pk for pk in found if found[pk] > 0), key=lambda pk: -found[pk])
    return worst[:HISTORY_FLOWS]


#: Executions that have taken longer than is usual for their flow, or than they should.
_LONGER = """
    SELECT e.id, e.flow_name, e.started_at
    FROM unnest(%(names)s::text[], %(seconds)s::float8[]) AS most (name, seconds)
    JOIN executions_execution e ON e.flow_name = most.name
    WHERE e.status = ANY(%(working)s)
        AND e.started_at < %(now)s - most.seconds * interval '1 second'
    ORDER BY e.started_at
    LIMIT %(limit)s
"""


def running_longer(asked: Check, seconds: Mapping[int, float], than: str) -> Found:
    """Return the executions that run longer than the seconds of their flow."""
    names = [asked.flow_name(pk) for pk in seconds]
    params: dict[str, Any] = {
        "names": names,
        "seconds": list(seconds.values()),
        "working": sorted(WORKING),
        "now": asked.now,
        "limit": COUNTED,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LONGER, params)
        rows = cursor.fetchall()
    most = dict(zip(names, seconds.values(), strict=True))
    return Found(
        [
            execution_finding(
                pk,
                name,
                f"has run for {duration(asked.now - started)}; {than} {duration(most[name])}",
            )
            for pk, name, started in rows[:SHOWN]
        ],
        len(rows),
    )


def ran_longer(asked: Check, seconds: Mapping[int, float]) -> list[Interval]:
    """Return when, in the last days, executions ran longer than the seconds of their flow."""
    counts = read.by_flow(asked.history, read.Selection(flows=list(seconds)))
    longest = {pk: (one.durations.quantile(1) or 0) - seconds[pk] for pk, one in counts.items()}
    over = sorted((pk for pk in longest if longest[pk] > 0), key=lambda pk: -longest[pk])
    series = read.series_by_flow(
        asked.history, HISTORY_STEP, UTC, read.Selection(flows=over[:HISTORY_FLOWS])
    )
    return [
        exceeded(bucket, bucket.counts.durations, seconds[pk])
        for pk, buckets in series.items()
        for bucket in buckets
        if bucket.counts and (bucket.counts.durations.quantile(1) or 0) > seconds[pk]
    ]


def exceeded(bucket: read.Bucket, lengths: Histogram, seconds: float) -> Interval:
    """Return from when until when what was over in a bucket had lasted longer than it should."""
    over = timedelta(seconds=(lengths.quantile(1) or 0) - seconds)
    return bucket.start - over, bucket.end
