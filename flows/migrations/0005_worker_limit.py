"""A flow may have a limit of workers of its own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("flows", "0004_secret_variables")]

    operations = [
        migrations.AddField(
            "flow",
            "worker_limit",
            models.PositiveIntegerField(
                blank=True,
                help_text="How many of its executions may hold a worker at once; 0 for no limit. "
                "When it is empty, the setting WORKERS_PER_FLOW counts.",
                null=True,
            ),
        ),
    ]
