"""An execution remembers the worker that held it last, and failures are found by who started them.

The index is made without a lock.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("executions", "0032_alerts")]

    operations = [
        migrations.AddField(
            "execution",
            "last_worker",
            models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
        AddIndexConcurrently(
            "execution",
            models.Index(
                fields=["initiator", "failure"],
                name="execution_own_failures",
                condition=Q(failure__isnull=False),
            ),
        ),
    ]
