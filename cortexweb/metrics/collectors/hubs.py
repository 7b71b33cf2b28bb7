"""The live pages: what the hub of each web process does."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from executions.live import measurements
from executions.live.measurements import BOUNDS


def collect() -> Iterator[Metric]:
    viewers = GaugeMetricFamily(
        "cortexweb_hub_viewers", "Browsers that are connected.", labels=["process"]
    )
    frames = CounterMetricFamily(
        "cortexweb_hub_frames", "Frames that were sent to browsers.", labels=["process"]
    )
    changes = CounterMetricFamily(
        "cortexweb_hub_changes", "Changes that were offered to browsers.", labels=["process"]
    )
    delay = HistogramMetricFamily(
        "cortexweb_hub_delay_seconds",
        "Time from the publication of a change until it is offered to the browsers.",
        labels=["process"],
    )
    bounds = [*(str(bound) for bound in BOUNDS), "+Inf"]
    for hub in measurements.read():
        viewers.add_metric([hub.process], hub.viewers)
        frames.add_metric([hub.process], hub.frames)
        changes.add_metric([hub.process], hub.changes)
        buckets = list(zip(bounds, map(float, accumulate(hub.delays)), strict=True))
        delay.add_metric([hub.process], buckets, hub.delay_sum)
    yield from (viewers, frames, changes, delay)
