"""What failed is known by columns: that nothing handled an exception, the types of all exceptions,
and how many descendants failed. What happened before is derived from what was kept of it.

The search index finds executions by all their exceptions, no longer by the last one alone.
"""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

import executions.models.expressions

PARTING = "".join(chr(n) for n in range(1, 128) if not chr(n).isalnum())
QUOTED = "".join(f"\\x{ord(sign):02x}" for sign in PARTING)
OLD_COLUMNS = (
    "flow_name", "block_type", "block_description", "workspace_name", "error_type",
    "error_message", "initiator_name", "trigger", "version_number",
)  # fmt: skip
COLUMNS = (*OLD_COLUMNS, "exception_types")
OLD_ARGUMENTS = "text, text, text, text, text, text, text, text, integer"
FAILED = Q(status="Error") | Q(unhandled=True)
# No subquery, which would cost more at each row.
FUNCTION = f"""
CREATE FUNCTION executions_lexemes(
    flow text, block_type text, description text, workspace text, error_type text,
    message text, initiator text, trigger text, version integer, exception_types text
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
            CASE WHEN initiator <> '' THEN '=i' || lower(initiator COLLATE "C") ELSE '' END,
            '=t' || trigger,
            '=v' || version
        ] ||
        CASE WHEN exception_types <> '' THEN string_to_array(
            '=e' || replace(lower(exception_types COLLATE "C"), E'\\n', E'\\n=e'), E'\\n')
        ELSE ARRAY[]::text[] END, ''))
$$;
"""
DERIVED = r"""
UPDATE executions_execution SET exception_types = thrown.types FROM (
    SELECT execution_id, string_agg(DISTINCT left(substring(type from '[^.]*$'), 200), E'\n')
        AS types
    FROM executions_exceptionrecord GROUP BY execution_id
) AS thrown WHERE id = thrown.execution_id;

UPDATE executions_execution SET exception_types = error_type
WHERE exception_types = '' AND error_type <> '';

UPDATE executions_execution SET
    unhandled = (status = 'Ended'),
    error_type = left(substring(thrown.type from '[^.]*$'), 200),
    error_message = left(thrown.message, 400),
    revision = revision + 1
FROM executions_exceptionrecord AS thrown
WHERE thrown.execution_id = executions_execution.id
    AND thrown.step = step_count AND thrown.handled_by = '' AND status IN ('Ended', 'Exception');

WITH RECURSIVE above AS (
    SELECT parent_id AS id FROM executions_execution
    WHERE (status = 'Error' OR unhandled) AND parent_id IS NOT NULL
    UNION ALL
    SELECT parent.parent_id FROM above JOIN executions_execution parent ON parent.id = above.id
    WHERE parent.parent_id IS NOT NULL
), counted AS (
    SELECT id, count(*) AS failed FROM above GROUP BY id
)
UPDATE executions_execution SET failed_descendants = counted.failed, revision = revision + 1
FROM counted WHERE executions_execution.id = counted.id;

-- Else the indexes that follow wait for the checks of these rows at the commit, and are refused.
SET CONSTRAINTS ALL IMMEDIATE;
"""


def statistics(columns: tuple[str, ...]) -> str:
    return (
        f"CREATE STATISTICS execution_lexemes ON (executions_lexemes({', '.join(columns)})) "
        "FROM executions_execution"
    )


def found(*columns: str) -> migrations.AddIndex:
    return migrations.AddIndex(
        "execution",
        django.contrib.postgres.indexes.GinIndex(
            executions.models.expressions.Lexemes(*columns),
            condition=Q(lease_expires_at__isnull=True),
            name="execution_found",
        ),
    )


def by_start(name: str, condition: Q) -> migrations.AddIndex:
    return migrations.AddIndex(
        "execution", models.Index(fields=["started_at", "id"], name=name, condition=condition)
    )


class Migration(migrations.Migration):
    dependencies = [("executions", "0021_tracebacks")]

    operations = [
        migrations.AddField(
            "execution", "unhandled", models.BooleanField(db_default=False, default=False)
        ),
        migrations.AddField(
            "execution",
            "exception_types",
            models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            "execution",
            "failed_descendants",
            models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.CreateModel(
            "UncountedFailure",
            fields=[
                (
                    "execution",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="uncounted_failure",
                        serialize=False,
                        to="executions.execution",
                    ),
                ),
            ],
        ),
        migrations.RemoveIndex("execution", "execution_found"),
        migrations.RunSQL("DROP STATISTICS execution_lexemes", statistics(OLD_COLUMNS)),
        migrations.RunSQL(DERIVED, migrations.RunSQL.noop),
        migrations.RunSQL(FUNCTION, f"DROP FUNCTION executions_lexemes({OLD_ARGUMENTS}, text)"),
        found(),
        migrations.RunSQL(statistics(COLUMNS), "DROP STATISTICS execution_lexemes"),
        migrations.RemoveIndex("execution", "execution_failed"),
        by_start("execution_with_exception", ~Q(exception_types="")),
        by_start("execution_failed", FAILED),
        by_start("execution_unhandled", Q(unhandled=True)),
        by_start("execution_failed_below", Q(failed_descendants__gt=0)),
        migrations.AddConstraint(
            "execution",
            models.CheckConstraint(
                condition=Q(unhandled=False) | Q(status="Ended"),
                name="execution_unhandled_has_ended",
            ),
        ),
    ]
