"""Executions: how many have started and ended, how long they took, and what is under way."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from executions.statistics import read
from executions.statistics.counts import Counts
from executions.statistics.histograms import GROWTH, Histogram
from executions.store.read import backlog
from flows.models import Flow

#: Upper bounds of the histograms, in seconds.
BOUNDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400)
_LABELS = [*(str(float(bound)) for bound in BOUNDS), "+Inf"]
#: Where in a bin of the statistics its durations count as being, by its upper edge.
_MIDDLE = 2 / (GROWTH + 1)


def collect() -> Iterator[Metric]:
    yield from _counted()
    live = GaugeMetricFamily(
        "cortexweb_live_executions",
        "Executions that have not ended, by flow and status.",
        labels=["flow", "status"],
    )
    for count in backlog.live_counts():
        live.add_metric([count.flow_name, count.status], count.number)
    yield live


def _counted() -> Iterator[Metric]:
    """What the statistics have counted since they exist; retention takes nothing away."""
    started = CounterMetricFamily(
        "cortexweb_executions_started",
        "Executions that have started, by flow and trigger.",
        labels=["flow", "trigger"],
    )
    ended = CounterMetricFamily(
        "cortexweb_executions_ended",
        "Executions that have ended, by flow, trigger and outcome.",
        labels=["flow", "trigger", "outcome"],
    )
    duration = HistogramMetricFamily(
        "cortexweb_execution_duration_seconds",
        "How long executions took that ended by themselves, by flow.",
        labels=["flow"],
    )
    wait = HistogramMetricFamily(
        "cortexweb_execution_wait_seconds",
        "How long executions waited until a worker first took them, by flow.",
        labels=["flow"],
    )
    names = dict(Flow.objects.values_list("pk", "name"))
    by_flow: dict[str, Counts] = {}
    for (flow_id, trigger), counts in read.all_time_by_flow_and_trigger().items():
        flow = names.get(flow_id)
        if flow is None:
            continue  # deleted just now
        started.add_metric([flow, trigger], counts.started)
        for outcome in ("succeeded", "unhandled", "errors", "stopped"):
            ended.add_metric([flow, trigger, outcome], getattr(counts, outcome))
        by_flow.setdefault(flow, Counts()).add(counts)
    for flow, counts in by_flow.items():
        duration.add_metric([flow], *_buckets(counts.durations))
        wait.add_metric([flow], *_buckets(counts.waits))
    yield from (started, ended, duration, wait)


def _buckets(histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
    """Return the buckets as Prometheus counts them, and the sum; both right within 2 %."""
    numbers = [0] * len(_LABELS)
    total = 0.0
    for edge, count in histogram:
        seconds = edge * _MIDDLE
        numbers[bisect_left(BOUNDS, seconds)] += count
        total += count * seconds
    return list(zip(_LABELS, map(float, accumulate(numbers)), strict=True)), total
