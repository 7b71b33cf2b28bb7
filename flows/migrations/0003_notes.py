"""Notes on the canvas of a workspace. Those of a published version can't be changed, like its other
parts; one is about a block of its own workspace."""

import django.db.models.deletion
from django.db import migrations, models

#: Which version a part belongs to, with what belongs to its workspace.
VERSION_OF = """
CREATE OR REPLACE FUNCTION flows_version_of(kind text, part jsonb) RETURNS bigint
    LANGUAGE sql STABLE
AS $$
    SELECT CASE
        WHEN kind IN ({of_workspaces}) THEN
            (SELECT version_id FROM flows_workspace WHERE id = (part ->> 'workspace_id')::bigint)
        WHEN kind = 'flows_connection' THEN
            (SELECT version_id FROM flows_block WHERE id = (part ->> 'source_id')::bigint)
        ELSE (part ->> 'version_id')::bigint
    END
$$;
"""

GUARDS = """
CREATE FUNCTION flows_note_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.block_id IS NOT NULL AND NEW.workspace_id IS DISTINCT FROM
        (SELECT workspace_id FROM flows_block WHERE id = NEW.block_id) THEN
        RAISE EXCEPTION 'a note must be about a block of the same workspace'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER published_is_immutable BEFORE INSERT OR UPDATE OR DELETE ON flows_note
    FOR EACH ROW EXECUTE FUNCTION flows_part_guard();
CREATE TRIGGER stays_in_place BEFORE INSERT OR UPDATE ON flows_note
    FOR EACH ROW EXECUTE FUNCTION flows_note_guard();
"""

REVERSE = """
DROP TRIGGER published_is_immutable ON flows_note;
DROP FUNCTION flows_note_guard CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("flows", "0002_published_is_immutable"),
    ]

    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField(max_length=4000)),
                ("x", models.IntegerField(blank=True, null=True)),
                ("y", models.IntegerField(blank=True, null=True)),
                ("width", models.IntegerField(blank=True, null=True)),
                ("height", models.IntegerField(blank=True, null=True)),
                ("order", models.PositiveIntegerField(default=0)),
                (
                    "block",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="notes",
                        to="flows.block",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="flows.workspace",
                    ),
                ),
            ],
            options={
                "ordering": ["workspace", "order", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True), name="note_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("x", None), ("y", None)),
                            models.Q(("x__isnull", False), ("y__isnull", False)),
                            _connector="OR",
                        ),
                        name="note_position_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("height", None), ("width", None)),
                            models.Q(
                                ("height__isnull", False),
                                ("height__range", (40, 2000)),
                                ("width__isnull", False),
                                ("width__range", (40, 2000)),
                            ),
                            _connector="OR",
                        ),
                        name="note_size_whole",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            VERSION_OF.format(of_workspaces="'flows_variable', 'flows_note'") + GUARDS,
            REVERSE + VERSION_OF.format(of_workspaces="'flows_variable'"),
        ),
    ]
