"""Deletes signals that no execution has taken for a long time."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from executions.limits import RETENTION_BATCH, SIGNALS_KEPT_DAYS
from executions.models import Signal
from executions.store.lifecycle import flow_signals


def delete_old() -> None:
    """Delete a batch, each in a transaction of its own: one lock at a time waits for no other. An
    execution that is paused and has not taken its signal yet waits on."""
    before = timezone.now() - timedelta(days=SIGNALS_KEPT_DAYS)
    for signal in Signal.objects.filter(at__lt=before).order_by("at")[:RETENTION_BATCH]:
        with transaction.atomic():
            flow_signals.delete(signal)
