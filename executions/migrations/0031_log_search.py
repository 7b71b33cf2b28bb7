"""What finds log entries: an index for their words, and one for each way to list them."""

from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from executions.models.expressions import LogLexemes

#: What parts words (`executions.grid.query.lexemes`): ASCII's signs and spaces.
PARTING = "".join(chr(n) for n in range(1, 128) if not chr(n).isalnum())
QUOTED = "".join(f"\\x{ord(sign):02x}" for sign in PARTING)
#: Of long details the beginning is searched, and of long words. A tsvector has a largest size, and
#: no line may be refused because of it.
FUNCTION = f"""
CREATE FUNCTION executions_log_lexemes(event text, details text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_to_tsvector(array(
        SELECT DISTINCT left(word, 200)
        FROM unnest(string_to_array(
            translate(lower((event || ' ' || coalesce(left(details, 20000), '')) COLLATE "C"),
                E'{QUOTED}', repeat(' ', {len(PARTING)})), ' ')) AS word
        WHERE word <> ''
    ))
$$
"""  # noqa: S608 (made of constants)
#: Rows that one statement fills in.
BATCH = 10_000
FILL = """
    UPDATE executions_logentry l
    SET flow_name = e.flow_name, initiator_id = e.initiator_id
    FROM executions_execution e
    WHERE e.id = l.execution_id AND l.id >= %s AND l.id < %s AND l.flow_name = ''
"""


def fill(apps: Any, schema_editor: Any) -> None:
    """Write the flow and the initiator of the execution into the rows that lack them."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM executions_logentry WHERE flow_name = ''")
        first, last = cursor.fetchone()
        for start in range(first or 0, (last or -1) + 1, BATCH):
            cursor.execute(FILL, [start, start + BATCH])


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("executions", "0030_overview")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION executions_log_lexemes"),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
        *(
            AddIndexConcurrently("logentry", index)
            for index in (
                models.Index(fields=["at", "id"], name="log_entry_by_time"),
                models.Index(fields=["flow_name", "at", "id"], name="log_entry_by_flow"),
                models.Index(fields=["initiator_id", "at", "id"], name="log_entry_by_initiator"),
                models.Index(
                    fields=["at", "id"],
                    name="log_entry_severe",
                    condition=models.Q(severity__in=["Warning", "Error", "Critical"]),
                ),
                GinIndex(LogLexemes(), name="log_entry_found"),
            )
        ),
    ]
