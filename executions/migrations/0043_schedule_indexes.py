"""Indexes of executions by the schedule that has started them, made without a lock."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("executions", "0042_schedules")]

    operations = [
        AddIndexConcurrently(
            "execution",
            models.Index(
                fields=["schedule_id", "started_at", "id"],
                name="execution_by_schedule",
                condition=Q(schedule_id__isnull=False),
            ),
        ),
        AddIndexConcurrently(
            "execution",
            models.Index(
                fields=["schedule_id"],
                name="execution_live_by_schedule",
                condition=Q(schedule_id__isnull=False, ended_at=None),
            ),
        ),
    ]
