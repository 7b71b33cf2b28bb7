"""The index for the audit trail of a failure, made without a lock."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("executions", "0025_failure_groups")]

    operations = [
        AddIndexConcurrently(
            "auditentry",
            models.Index(
                fields=["failure", "-at", "-id"],
                name="audit_by_failure",
                condition=Q(failure__isnull=False),
            ),
        ),
    ]
