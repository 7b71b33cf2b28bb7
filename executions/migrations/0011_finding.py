"""What finds executions: the search index, and an index for each order that they are shown in."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import executions.models.expressions

#: `executions.grid.words` in SQL: ASCII alone changes case, ASCII's signs and spaces part words.
PARTING = "".join(chr(n) for n in range(1, 128) if not chr(n).isalnum())
QUOTED = "".join(f"\\x{ord(sign):02x}" for sign in PARTING)
FUNCTIONS = f"""
CREATE FUNCTION executions_words(said text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_to_tsvector(array_remove(string_to_array(
        translate(lower(said COLLATE "C"), E'{QUOTED}', repeat(' ', {len(PARTING)})), ' '), ''))
$$;
CREATE FUNCTION executions_lexemes(
    flow text, block_type text, description text, workspace text, error_type text,
    message text, initiator text, trigger text, version integer
) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_to_tsvector(array_remove(
        string_to_array(translate(lower((
            flow || ' ' || block_type || ' ' || description || ' ' || workspace || ' ' ||
            error_type || ' ' || message || ' ' || initiator) COLLATE "C"),
            E'{QUOTED}', repeat(' ', {len(PARTING)})), ' ') ||
        ARRAY[
            CASE WHEN flow <> '' THEN '=f' || lower(flow COLLATE "C") ELSE '' END,
            CASE WHEN block_type <> '' THEN '=b' || lower(block_type COLLATE "C") ELSE '' END,
            CASE WHEN workspace <> '' THEN '=w' || lower(workspace COLLATE "C") ELSE '' END,
            CASE WHEN error_type <> '' THEN '=e' || lower(error_type COLLATE "C") ELSE '' END,
            CASE WHEN initiator <> '' THEN '=i' || lower(initiator COLLATE "C") ELSE '' END,
            '=t' || trigger,
            '=v' || version
        ], ''))
$$;
"""
COLUMNS = (
    "flow_name", "block_type", "block_description", "workspace_name", "error_type",
    "error_message", "initiator_name", "trigger", "version_number",
)  # fmt: skip
ORDERS = (
    ("execution_by_status", ("status", "started_at", "id")),
    ("execution_by_flow", ("flow_name", "started_at", "id")),
)


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("executions", "0010_history"),
    ]

    operations = [
        migrations.RunSQL(
            FUNCTIONS,
            "DROP FUNCTION executions_lexemes; DROP FUNCTION IF EXISTS executions_words",
        ),
        *(migrations.RemoveIndex("execution", name) for name, _ in ORDERS),
        migrations.AlterField(
            "execution", "flow_name", models.CharField(db_collation="C", max_length=120)
        ),
        *(
            migrations.AddIndex("execution", models.Index(fields=fields, name=name))
            for name, fields in ORDERS
        ),
        migrations.AlterField(
            "execution",
            "initiator",
            models.ForeignKey(
                settings.AUTH_USER_MODEL,
                models.SET_NULL,
                null=True,
                related_name="+",
                db_index=False,
            ),
        ),
        migrations.AddIndex(
            "execution",
            models.Index(fields=["initiator", "started_at", "id"], name="execution_by_initiator"),
        ),
        migrations.AddIndex(
            "execution", models.Index(fields=["updated_at", "id"], name="execution_by_update")
        ),
        migrations.AddIndex(
            "execution",
            models.Index(
                executions.models.expressions.Length(),
                models.F("id"),
                name="execution_by_length",
            ),
        ),
        migrations.AddIndex(
            "execution",
            models.Index(
                fields=["started_at", "id"],
                condition=~models.Q(error_type=""),
                name="execution_failed",
            ),
        ),
        migrations.AddIndex(
            "execution",
            django.contrib.postgres.indexes.GinIndex(
                executions.models.expressions.Lexemes(*COLUMNS), name="execution_found"
            ),
        ),
    ]
