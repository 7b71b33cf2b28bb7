"""The workers, by their heartbeats."""

import time
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from redis.exceptions import ConnectionError as RedisConnectionError

from executions import workers


def collect() -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "cortexweb_worker_up",
        "1 while a worker sends heartbeats; 0 when it fell silent without ending as it should.",
        labels=["worker"],
    )
    slots = GaugeMetricFamily("cortexweb_worker_slots", "Processes of a worker.", labels=["worker"])
    busy = GaugeMetricFamily(
        "cortexweb_worker_busy_slots",
        "Processes of a worker that work on a task.",
        labels=["worker"],
    )
    silent = GaugeMetricFamily(
        "cortexweb_worker_heartbeat_age_seconds",
        "Seconds since the last heartbeat of a worker.",
        labels=["worker"],
    )
    found = workers.read()
    if found is None:
        raise RedisConnectionError("Redis doesn't answer")
    for worker in found:
        is_up = not worker.is_silent
        up.add_metric([worker.name], is_up)
        slots.add_metric([worker.name], worker.slots if is_up else 0)
        busy.add_metric([worker.name], worker.busy if is_up else 0)
        silent.add_metric([worker.name], max(0.0, time.time() - worker.seen_at))
    yield from (up, slots, busy, silent)
