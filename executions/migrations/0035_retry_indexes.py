"""Indexes of open failures and of what was retried, made without a lock."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

OPEN_FAILURE = (Q(status="Error") | Q(unhandled=True)) & ~Q(retry_state="ended")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("executions", "0034_retries")]

    operations = [
        AddIndexConcurrently(
            "execution",
            models.Index(
                fields=["started_at", "id"], name="execution_open_failure", condition=OPEN_FAILURE
            ),
        ),
        AddIndexConcurrently(
            "execution",
            models.Index(
                fields=["retry_state", "started_at", "id"],
                name="execution_retried",
                condition=~Q(retry_state=""),
            ),
        ),
    ]
