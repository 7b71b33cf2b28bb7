"""Deletes what became of the times of schedules when it is old."""

from datetime import timedelta

from django.utils import timezone

from executions.limits import RETENTION_BATCH, SCHEDULE_RUNS_KEPT_DAYS
from executions.models import ScheduleRun


def delete_old() -> None:
    """Delete a batch."""
    before = timezone.now() - timedelta(days=SCHEDULE_RUNS_KEPT_DAYS)
    old = ScheduleRun.objects.filter(at__lt=before).exclude(outcome=ScheduleRun.Outcome.WAITING)
    ids = list(old.order_by("at").values_list("pk", flat=True)[:RETENTION_BATCH])
    ScheduleRun.objects.filter(pk__in=ids).delete()
