"""The severities of log entries are called as in the catalogue of blocks, with an index for the
most severe ones, made without a lock."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

#: Rows that one statement changes.
BATCH = 10_000
SPAN = """
    SELECT min(id), max(id)
    FROM executions_logentry
"""
RENAME = """
    UPDATE executions_logentry
    SET severity = CASE severity WHEN 'Trace' THEN 'Verbose' ELSE 'Fatal' END
    WHERE id >= %s AND id < %s AND severity IN ('Trace', 'Critical')
"""


def rename(apps: Any, schema_editor: Any) -> None:
    """Write the new names into the rows that have the former ones, batch by batch."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(SPAN)
        first, last = cursor.fetchone()
        for start in range(first or 0, (last or -1) + 1, BATCH):
            cursor.execute(RENAME, [start, start + BATCH])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("executions", "0047_names_as_in_a_new_database")]

    operations = [
        AddIndexConcurrently(
            "logentry",
            models.Index(
                fields=["at", "id"],
                name="log_entry_most_severe",
                condition=models.Q(severity__in=("Warning", "Error", "Fatal")),
            ),
        ),
        migrations.RunPython(rename, migrations.RunPython.noop, elidable=True),
        RemoveIndexConcurrently("logentry", "log_entry_severe"),
    ]
