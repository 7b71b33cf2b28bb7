"""All collectors together, as prometheus_client takes them."""

import logging
import time
from collections.abc import Callable, Iterator

from prometheus_client.core import CollectorRegistry, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cortexweb.metrics import collectors
from flows.discovery import modules

logger = logging.getLogger(__name__)

Collect = Callable[[], Iterator[Metric]]


def _found() -> dict[str, Collect]:
    return {module.__name__.rpartition(".")[2]: module.collect for module in modules(collectors)}


class Site(Collector):
    """Asks every collector, and says of each whether it answered and how long that took."""

    def __init__(self) -> None:
        self.collectors = _found()

    def collect(self) -> Iterator[Metric]:
        answered = GaugeMetricFamily(
            "cortexweb_collector_ok",
            "1 where the metrics of a collector are complete, otherwise 0.",
            labels=["collector"],
        )
        took = GaugeMetricFamily(
            "cortexweb_collector_seconds",
            "How long a collector took for this answer.",
            labels=["collector"],
        )
        for name, collect in self.collectors.items():
            began = time.monotonic()
            try:
                yield from collect()
            except Exception:
                # Redis may be away while the database answers: what is known is told.
                logger.exception("The metrics of %s could not be collected", name)
                answered.add_metric([name], 0)
            else:
                answered.add_metric([name], 1)
            took.add_metric([name], time.monotonic() - began)
        yield from (answered, took)


registry = CollectorRegistry(auto_describe=False)
registry.register(Site())
