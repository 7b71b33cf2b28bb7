"""The messages of alerts: which wait, and what became of the latest."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from executions.models import Delivery

#: Deliveries are deleted after a while, so what has become of them is told of a span.
LATELY = timedelta(hours=1)


def collect() -> Iterator[Metric]:
    now = timezone.now()
    waiting = GaugeMetricFamily(
        "cortexweb_deliveries_waiting",
        "Messages of alerts that are due and not sent yet, by channel.",
        labels=["via"],
    )
    oldest = GaugeMetricFamily(
        "cortexweb_delivery_oldest_seconds",
        "How long the oldest of them is due.",
        labels=["via"],
    )
    lately = GaugeMetricFamily(
        "cortexweb_deliveries_last_hour",
        "Messages of alerts that were written in the last hour, by channel and status.",
        labels=["via", "status"],
    )
    undone = (Delivery.Status.WAITING, Delivery.Status.SENDING)
    due = Delivery.objects.filter(status__in=undone, due_at__lte=now).order_by().values("via")
    for row in due.annotate(number=Count("pk"), since=Min("due_at")):
        waiting.add_metric([row["via"]], row["number"])
        oldest.add_metric([row["via"]], (now - row["since"]).total_seconds())
    written = Delivery.objects.filter(created_at__gt=now - LATELY).order_by()
    for told in written.values("via", "status").annotate(number=Count("pk")):
        lately.add_metric([told["via"], told["status"]], told["number"])
    yield from (waiting, oldest, lately)
