"""The search index leaves out what is in the queue or on a worker.

The planner takes no statistics of a partial index, so they have an object of their own.
"""

import django.contrib.postgres.indexes
from django.db import migrations, models

import executions.models.expressions

COLUMNS = (
    "flow_name", "block_type", "block_description", "workspace_name", "error_type",
    "error_message", "initiator_name", "trigger", "version_number",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("executions", "0016_words_by_row")]

    operations = [
        migrations.RemoveIndex("execution", "execution_found"),
        migrations.AddIndex(
            "execution",
            django.contrib.postgres.indexes.GinIndex(
                executions.models.expressions.Lexemes(*COLUMNS),
                condition=models.Q(lease_expires_at__isnull=True),
                name="execution_found",
            ),
        ),
        migrations.RunSQL(
            f"CREATE STATISTICS execution_lexemes ON (executions_lexemes({', '.join(COLUMNS)})) "
            "FROM executions_execution",
            "DROP STATISTICS execution_lexemes",
        ),
    ]
