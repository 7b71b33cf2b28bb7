"""Deletes entries of the audit trail that are older than they are kept."""

import time
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from executions.limits import AUDIT_BATCH, RETENTION_SECONDS

#: What the trigger of the table asks for: see migration 0037.
_OPEN = "SELECT set_config('cortexweb.audit_retention', %(before)s, true)"
_DELETE = """
    DELETE FROM executions_auditentry WHERE id IN (
        SELECT id FROM executions_auditentry WHERE at < %(before)s
        ORDER BY at, id LIMIT %(batch)s
    )
"""


def delete_old(seconds: float = RETENTION_SECONDS) -> int:
    """Delete for so many seconds at most, in short transactions. Returns how many there were."""
    if settings.AUDIT_RETENTION_DAYS <= 0:
        return 0
    before = (timezone.now() - timedelta(days=settings.AUDIT_RETENTION_DAYS)).isoformat()
    began, deleted = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_OPEN, {"before": before})
            cursor.execute(_DELETE, {"before": before, "batch": AUDIT_BATCH})
            batch = cursor.rowcount
        deleted += batch
        if batch < AUDIT_BATCH:
            break
    return deleted
