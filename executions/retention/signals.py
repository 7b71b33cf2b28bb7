"""Deletes signals that no execution has taken for a long time."""

from datetime import timedelta

from django.utils import timezone

from executions.limits import RETENTION_BATCH, SIGNALS_KEPT_DAYS
from executions.models import Signal


def delete_old() -> None:
    """Delete a batch."""
    before = timezone.now() - timedelta(days=SIGNALS_KEPT_DAYS)
    old = Signal.objects.filter(at__lt=before).order_by("at")
    ids = list(old.values_list("pk", flat=True)[:RETENTION_BATCH])
    Signal.objects.filter(pk__in=ids).delete()
