"""What waits for a worker."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from executions import dispatch, queues
from executions.store.read import backlog


def collect() -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "cortexweb_queue_oldest_seconds",
        "How long the oldest execution, or bulk job, has waited for a worker; 0 when none waits.",
        labels=["queue"],
    )
    age.add_metric(["executions"], backlog.oldest_queued_seconds())
    age.add_metric(["jobs"], backlog.oldest_job_seconds())
    yield age
    length = GaugeMetricFamily(
        "cortexweb_queue_messages",
        "Messages that wait in the broker, by queue. The queues of executions count as one.",
        labels=["queue"],
    )
    lengths: Counter[str] = Counter()
    for name, number in dispatch.queue_lengths().items():
        lengths["executions" if name in queues.EXECUTIONS else name] += number
    for name, number in sorted(lengths.items()):
        length.add_metric([name], number)
    yield length
