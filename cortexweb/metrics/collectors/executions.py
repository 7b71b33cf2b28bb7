"""Executions that are under way."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from executions.store.read import backlog


def collect() -> Iterator[Metric]:
    live = GaugeMetricFamily(
        "cortexweb_live_executions",
        "Executions that have not ended, by flow and status.",
        labels=["flow", "status"],
    )
    for count in backlog.live_counts():
        live.add_metric([count.flow_name, count.status], count.number)
    yield live
