"""Schedules: how many are on, due and failing, and how late the starts are."""

from collections.abc import Iterator

from django.db.models import Count, Min, Q
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from executions.models import Schedule


def collect() -> Iterator[Metric]:
    now = timezone.now()
    is_due = Q(is_on=True, due_at__lte=now)
    found = Schedule.objects.aggregate(
        on=Count("pk", filter=Q(is_on=True)),
        due=Count("pk", filter=is_due),
        failing=Count("pk", filter=Q(is_on=True) & ~Q(problem="")),
        oldest=Min("due_at", filter=is_due),
    )
    lag = (now - found["oldest"]).total_seconds() if found["oldest"] else 0
    for name, text, number in (
        ("on", "Schedules that are on.", found["on"]),
        ("due", "Schedules that are due and not started yet.", found["due"]),
        ("failing", "Schedules whose last start failed.", found["failing"]),
        ("lag_seconds", "How long the oldest start has been due.", lag),
    ):
        yield GaugeMetricFamily(f"cortexweb_schedules_{name}", text, value=number)
