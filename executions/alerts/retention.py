"""Deletes alerts that are over, deliveries and observations when they are old."""

from datetime import timedelta

from django.utils import timezone

from executions.alerts import observations
from executions.limits import ALERTS_KEPT_DAYS, RETENTION_BATCH
from executions.models import Alert, Delivery

S = Delivery.Status


def delete_old() -> None:
    """Delete a batch of each."""
    now = timezone.now()
    before = now - timedelta(days=ALERTS_KEPT_DAYS)
    over = Delivery.objects.filter(created_at__lt=before).exclude(status__in=[S.WAITING, S.SENDING])
    messages = list(over.order_by("created_at").values_list("pk", flat=True)[:RETENTION_BATCH])
    Delivery.objects.filter(pk__in=messages).delete()
    alerts = Alert.objects.filter(closed_at__lt=before, is_done=True).order_by("opened_at")
    ids = list(alerts.values_list("pk", flat=True)[:RETENTION_BATCH])
    Alert.objects.filter(pk__in=ids).delete()
    observations.delete_old(now)
