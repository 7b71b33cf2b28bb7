"""The search index leaves out what is in the queue or on a worker.

The planner takes no statistics of a partial index, so they have an object of their own.
"""

import django.contrib.postgres.indexes
from django.db import migrations, models

import executions.models.expressions

COLUMNS = ", ".join(executions.models.expressions.LEXEME_COLUMNS)


class Migration(migrations.Migration):
    dependencies = [("executions", "0016_words_by_row")]

    operations = [
        migrations.RemoveIndex("execution", "execution_found"),
        migrations.AddIndex(
            "execution",
            django.contrib.postgres.indexes.GinIndex(
                executions.models.expressions.Lexemes(),
                condition=models.Q(lease_expires_at__isnull=True),
                name="execution_found",
            ),
        ),
        migrations.RunSQL(
            f"CREATE STATISTICS execution_lexemes ON (executions_lexemes({COLUMNS})) "
            "FROM executions_execution",
            "DROP STATISTICS execution_lexemes",
        ),
    ]
