"""The tables of flows, in one step for a new database; what there was before has the others.

Triggers keep what must hold for every way into the database: published versions don't change, rows
stay where they belong, no folder lies in itself, and the last administrator stays. Who changes a
draft's rows keeps its version from being published meanwhile (FOR SHARE); who moves a folder, or
removes an administrator, waits for others who do, since two could break the rule together.
"""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

IMMUTABLE = """
CREATE FUNCTION flows_refuse_published(wanted bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    version flows_flowversion;
BEGIN
    SELECT * INTO version FROM flows_flowversion WHERE id = wanted FOR SHARE;
    IF version.published_at IS NOT NULL THEN
        RAISE EXCEPTION '% v% is published and cannot be changed; edit a draft instead',
            (SELECT name FROM flows_flow WHERE id = version.flow_id), version.number
            USING ERRCODE = 'restrict_violation';
    END IF;
END $$;

CREATE FUNCTION flows_version_of(kind text, part jsonb) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN kind IN ('flows_variable', 'flows_note') THEN
            (SELECT version_id FROM flows_workspace WHERE id = (part ->> 'workspace_id')::bigint)
        WHEN kind = 'flows_connection' THEN
            (SELECT version_id FROM flows_block WHERE id = (part ->> 'source_id')::bigint)
        ELSE (part ->> 'version_id')::bigint
    END
$$;

CREATE FUNCTION flows_part_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM flows_refuse_published(flows_version_of(TG_TABLE_NAME, to_jsonb(OLD)));
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM flows_refuse_published(flows_version_of(TG_TABLE_NAME, to_jsonb(NEW)));
        RETURN NEW;
    END IF;
    RETURN OLD;
END $$;

CREATE FUNCTION flows_version_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NOT NULL THEN
        IF TG_OP = 'UPDATE' AND NEW.published_by_id IS NULL THEN
            -- The user who published it may be deleted.
            OLD.published_by_id := NULL;
            IF OLD = NEW THEN
                RETURN NEW;
            END IF;
        END IF;
        PERFORM flows_refuse_published(OLD.id);
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION flows_place_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'flows_connection' THEN
        IF (SELECT workspace_id FROM flows_block WHERE id = NEW.source_id)
            IS DISTINCT FROM (SELECT workspace_id FROM flows_block WHERE id = NEW.target_id) THEN
            RAISE EXCEPTION 'a connection must lead to a block of the same workspace'
                USING ERRCODE = 'check_violation';
        END IF;
    ELSIF TG_TABLE_NAME = 'flows_block' THEN
        IF NEW.version_id IS DISTINCT FROM
            (SELECT version_id FROM flows_workspace WHERE id = NEW.workspace_id) THEN
            RAISE EXCEPTION 'a block must belong to the version of its workspace'
                USING ERRCODE = 'check_violation';
        ELSIF TG_OP = 'UPDATE' AND NEW.workspace_id <> OLD.workspace_id THEN
            RAISE EXCEPTION 'a block stays in its workspace' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.parent_id IS NOT NULL AND NEW.version_id IS DISTINCT FROM
        (SELECT version_id FROM flows_workspace WHERE id = NEW.parent_id) THEN
        RAISE EXCEPTION 'a workspace must belong to the version of its parent'
            USING ERRCODE = 'check_violation';
    ELSIF TG_OP = 'UPDATE' AND NEW.version_id <> OLD.version_id THEN
        RAISE EXCEPTION 'a workspace stays in its version' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION flows_note_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.block_id IS NOT NULL AND NEW.workspace_id IS DISTINCT FROM
        (SELECT workspace_id FROM flows_block WHERE id = NEW.block_id) THEN
        RAISE EXCEPTION 'a note must be about a block of the same workspace'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER published_is_immutable BEFORE UPDATE OR DELETE ON flows_flowversion
    FOR EACH ROW EXECUTE FUNCTION flows_version_guard();
CREATE TRIGGER stays_in_place BEFORE INSERT OR UPDATE ON flows_note
    FOR EACH ROW EXECUTE FUNCTION flows_note_guard();
"""
ON_PARTS = """
CREATE TRIGGER published_is_immutable BEFORE INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION flows_part_guard();
"""
ON_PLACES = """
CREATE TRIGGER stays_in_place BEFORE INSERT OR UPDATE ON {table}
    FOR EACH ROW EXECUTE FUNCTION flows_place_guard();
"""
MUTABLE = """
DROP FUNCTION
    flows_version_guard, flows_part_guard, flows_place_guard, flows_note_guard CASCADE;
DROP FUNCTION flows_version_of, flows_refuse_published;
"""
PARTS = ("flows_workspace", "flows_block", "flows_variable", "flows_connection", "flows_note")
PLACED = ("flows_workspace", "flows_block", "flows_connection")
IMMUTABLE_TABLES = (
    IMMUTABLE
    + "".join(ON_PARTS.format(table=table) for table in PARTS)
    + "".join(ON_PLACES.format(table=table) for table in PLACED)
)

#: `Folder.MAX_DEPTH`.
DEEPEST = 8
FOLDERS = """
CREATE FUNCTION flows_folder_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    above bigint := NEW.parent_id;
    depth integer := 0;
    height integer;
BEGIN
    PERFORM pg_advisory_xact_lock('flows_folder'::regclass::oid::bigint);
    WHILE above IS NOT NULL LOOP
        depth := depth + 1;
        IF above = NEW.id OR depth > {most} THEN
            RAISE EXCEPTION 'a folder lies neither in itself nor deeper than {most}'
                USING ERRCODE = 'check_violation';
        END IF;
        SELECT parent_id INTO above FROM flows_folder WHERE id = above;
    END LOOP;
    WITH RECURSIVE below AS (
        SELECT NEW.id AS id, 1 AS level
        UNION ALL
        SELECT f.id, below.level + 1 FROM flows_folder f JOIN below ON f.parent_id = below.id
        WHERE below.level <= {most}
    )
    SELECT max(level) INTO height FROM below;
    IF depth + height > {most} THEN
        RAISE EXCEPTION 'a folder lies neither in itself nor deeper than {most}'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER folders_hold_no_circle BEFORE INSERT OR UPDATE OF parent_id ON flows_folder
    FOR EACH ROW EXECUTE FUNCTION flows_folder_guard();
"""
NO_FOLDERS = "DROP FUNCTION flows_folder_guard CASCADE;"

ADMINISTRATOR = """
CREATE FUNCTION flows_check_administrator() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever removes another one meanwhile waits, and then sees what became of this.
    PERFORM pg_advisory_xact_lock('flows_grant'::regclass::oid::bigint);
    IF NOT EXISTS (
        SELECT FROM auth_user
        WHERE is_active AND (
            is_superuser
            OR id IN (
                SELECT user_id FROM flows_grant
                WHERE role = 6 AND flow_id IS NULL AND folder_id IS NULL AND user_id IS NOT NULL
            )
            OR id IN (
                SELECT member.user_id FROM auth_user_groups member
                JOIN flows_grant held ON held.group_id = member.group_id
                WHERE held.role = 6 AND held.flow_id IS NULL AND held.folder_id IS NULL
            )
        )
    ) THEN
        RAISE EXCEPTION 'nobody would administer the site'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'last_administrator';
    END IF;
END $$;

CREATE FUNCTION flows_keep_administrator() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM flows_check_administrator();
    RETURN NULL;
END $$;

CREATE FUNCTION flows_keep_administrator_in_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM flows_grant
        WHERE group_id = OLD.group_id AND role = 6 AND flow_id IS NULL AND folder_id IS NULL
    ) THEN
        PERFORM flows_check_administrator();
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION flows_keep_administrator_active() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.is_superuser OR EXISTS (
        SELECT FROM flows_grant held
        WHERE role = 6 AND flow_id IS NULL AND folder_id IS NULL AND (
            user_id = OLD.id
            OR group_id IN (SELECT group_id FROM auth_user_groups WHERE user_id = OLD.id)
        )
    ) THEN
        PERFORM flows_check_administrator();
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER last_administrator_granted AFTER UPDATE OR DELETE ON flows_grant
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.role = 6 AND OLD.flow_id IS NULL AND OLD.folder_id IS NULL)
    EXECUTE FUNCTION flows_keep_administrator();
CREATE CONSTRAINT TRIGGER last_administrator_in_group AFTER UPDATE OR DELETE ON auth_user_groups
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION flows_keep_administrator_in_group();
CREATE CONSTRAINT TRIGGER last_administrator_active AFTER UPDATE ON auth_user
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.is_active AND (NOT NEW.is_active OR (OLD.is_superuser AND NOT NEW.is_superuser)))
    EXECUTE FUNCTION flows_keep_administrator_active();
CREATE CONSTRAINT TRIGGER last_administrator_deleted AFTER DELETE ON auth_user
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.is_active AND OLD.is_superuser)
    EXECUTE FUNCTION flows_keep_administrator();
"""
NO_ADMINISTRATOR = """
DROP FUNCTION flows_keep_administrator, flows_keep_administrator_in_group,
    flows_keep_administrator_active CASCADE;
DROP FUNCTION flows_check_administrator;
"""


class Migration(migrations.Migration):
    replaces = [
        ("flows", "0001_initial"),
        ("flows", "0002_published_is_immutable"),
        ("flows", "0003_notes"),
        ("flows", "0004_secret_variables"),
        ("flows", "0005_worker_limit"),
        ("flows", "0006_limited_flows"),
        ("flows", "0007_wording"),
        ("flows", "0008_folders_and_labels"),
        ("flows", "0009_folders_hold_no_circle"),
        ("flows", "0010_duration_limit"),
        ("flows", "0011_grants"),
        ("flows", "0012_last_administrator"),
    ]

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Folder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=80,
                        validators=[
                            django.core.validators.RegexValidator(
                                '^[^\\s/,*\\"\\x00-\\x1f](?:[^/,*\\"\\x00-\\x1f]*[^\\s/,*\\"\\x00-\\x1f])?$',
                                "Leave out slashes, commas, stars and quotation marks, and spaces at the ends.",
                            )
                        ],
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="flows.folder",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"),
                        models.F("parent"),
                        name="folder_name_unique_in_parent",
                        violation_error_message="There is a folder of this name here already.",
                    ),
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"),
                        condition=models.Q(("parent", None)),
                        name="folder_name_unique_at_top",
                        violation_error_message="There is a folder of this name here already.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Label",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=40,
                        validators=[
                            django.core.validators.RegexValidator(
                                '^[^\\s/,*\\"\\x00-\\x1f](?:[^/,*\\"\\x00-\\x1f]*[^\\s/,*\\"\\x00-\\x1f])?$',
                                "Leave out slashes, commas, stars and quotation marks, and spaces at the ends.",
                            )
                        ],
                    ),
                ),
                (
                    "color",
                    models.CharField(
                        choices=[
                            ("indigo", "Indigo"),
                            ("teal", "Teal"),
                            ("amber", "Amber"),
                            ("pink", "Pink"),
                            ("green", "Green"),
                            ("red", "Red"),
                            ("grey", "Grey"),
                        ],
                        default="indigo",
                        max_length=6,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"),
                        name="label_name_unique",
                        violation_error_message="There is a label of this name already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "color__in",
                                ["indigo", "teal", "amber", "pink", "green", "red", "grey"],
                            )
                        ),
                        name="label_color_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Flow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=120,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9_.-]*$",
                                "Use letters, digits, hyphens, underscores and dots, starting with a letter or digit.",
                            )
                        ],
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("activity", "Activity (top to bottom)"),
                            ("process", "Process (left to right)"),
                        ],
                        default="activity",
                        max_length=8,
                    ),
                ),
                ("description", models.TextField(blank=True)),
                (
                    "worker_limit",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How many executions of this flow may hold a worker at once; 0 for no limit. When it is empty, the setting WORKERS_PER_FLOW applies.",
                        null=True,
                    ),
                ),
                (
                    "retention_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How many days executions of this flow are kept after they have ended; 0 for ever. When it is empty, the settings RETENTION_DAYS and RETENTION_COUNT apply.",
                        null=True,
                    ),
                ),
                (
                    "duration_limit_minutes",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How many minutes an execution of this flow should take at most. Alert rules tell when one takes longer; it goes on all the same.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "folder",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="flows",
                        to="flows.folder",
                    ),
                ),
                (
                    "labels",
                    models.ManyToManyField(blank=True, related_name="flows", to="flows.label"),
                ),
            ],
            options={
                "ordering": ["name"],
                "permissions": [
                    ("start_flow", "Can start flows"),
                    ("publish_flow", "Can publish flows"),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("worker_limit__gt", 0)),
                        fields=["name"],
                        name="flow_limited",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["activity", "process"])),
                        name="flow_kind_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FlowVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("description", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("published_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "digest",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="SHA-256 of the canonical flow document: importing the same document again changes nothing.",
                        max_length=64,
                    ),
                ),
                (
                    "flow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="flows.flow",
                    ),
                ),
                (
                    "published_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["flow", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("flow", "number"), name="flow_version_unique"),
                    models.UniqueConstraint(
                        condition=models.Q(("published_at", None)),
                        fields=("flow",),
                        name="flow_one_draft",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="flow_version_from_one"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Block",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        max_length=200,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*$",
                                "Use letters, digits, hyphens and underscores, with a slash between nested workspaces.",
                            )
                        ],
                    ),
                ),
                ("type", models.CharField(max_length=80)),
                ("description", models.CharField(blank=True, max_length=200)),
                ("properties", models.JSONField(blank=True, default=dict)),
                ("x", models.IntegerField(blank=True, null=True)),
                ("y", models.IntegerField(blank=True, null=True)),
                ("order", models.PositiveIntegerField(default=0)),
                (
                    "version",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="blocks",
                        to="flows.flowversion",
                    ),
                ),
            ],
            options={
                "ordering": ["workspace", "order", "id"],
            },
        ),
        migrations.CreateModel(
            name="Grant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "See"),
                            (2, "Start"),
                            (3, "Operate"),
                            (4, "Debug"),
                            (5, "Author"),
                            (6, "Administer"),
                        ]
                    ),
                ),
                (
                    "flow",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grants",
                        to="flows.flow",
                    ),
                ),
                (
                    "folder",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grants",
                        to="flows.folder",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grants",
                        to="auth.group",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grants",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("group__isnull", False), ("user", None)),
                            models.Q(("group", None), ("user__isnull", False)),
                            _connector="OR",
                        ),
                        name="grant_to_user_or_group",
                        violation_error_message="Choose a user or a group.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("flow", None), ("folder", None), _connector="OR"),
                        name="grant_on_flow_or_folder",
                        violation_error_message="Choose a flow or a folder, not both.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", [1, 2, 3, 4, 5, 6])),
                        name="grant_role_known",
                    ),
                    models.UniqueConstraint(
                        django.db.models.functions.comparison.Coalesce("user", 0),
                        django.db.models.functions.comparison.Coalesce("group", 0),
                        django.db.models.functions.comparison.Coalesce("flow", 0),
                        django.db.models.functions.comparison.Coalesce("folder", 0),
                        name="grant_once",
                        violation_error_message="They have a role there already.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Workspace",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        blank=True,
                        max_length=200,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*$",
                                "Use letters, digits, hyphens and underscores, with a slash between nested workspaces.",
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="children",
                        to="flows.workspace",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="workspaces",
                        to="flows.flowversion",
                    ),
                ),
            ],
            options={
                "ordering": ["version", "key"],
                "constraints": [
                    models.UniqueConstraint(fields=("version", "key"), name="workspace_key_unique"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("key", ""), ("parent", None)),
                            models.Q(
                                ("parent__isnull", False), models.Q(("key", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="workspace_top_has_no_parent",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Variable",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z][A-Za-z0-9_]*$",
                                "Use letters, digits and underscores, starting with a letter.",
                            )
                        ],
                    ),
                ),
                ("description", models.CharField(blank=True, max_length=400)),
                (
                    "type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("Text", "Text"),
                            ("Integer", "Integer"),
                            ("Number", "Number"),
                            ("Boolean", "Boolean"),
                            ("Date Time", "Date Time"),
                            ("List", "List"),
                            ("Structure", "Structure"),
                        ],
                        help_text="What the start form asks for. When it is empty, any JSON value.",
                        max_length=12,
                    ),
                ),
                ("has_default", models.BooleanField(default=False)),
                ("default", models.JSONField(blank=True, null=True)),
                ("is_input", models.BooleanField(default=False)),
                ("is_output", models.BooleanField(default=False)),
                (
                    "is_secret",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Its value is never shown. A secret variable has no default (docs/secrets.md).",
                    ),
                ),
                ("order", models.PositiveIntegerField(default=0)),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="variables",
                        to="flows.workspace",
                    ),
                ),
            ],
            options={
                "ordering": ["workspace", "order", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"),
                        models.F("workspace"),
                        name="variable_name_unique",
                    )
                ],
            },
        ),
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
        migrations.AddField(
            model_name="block",
            name="workspace",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="blocks",
                to="flows.workspace",
            ),
        ),
        migrations.CreateModel(
            name="Connection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "port",
                    models.CharField(
                        choices=[
                            ("bottom", "Bottom"),
                            ("right", "Right"),
                            ("exception", "Exception"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="connections",
                        to="flows.block",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="arrivals",
                        to="flows.block",
                    ),
                ),
            ],
            options={
                "ordering": ["source", "port"],
                "constraints": [
                    models.UniqueConstraint(fields=("source", "port"), name="connection_port_once"),
                    models.CheckConstraint(
                        condition=models.Q(("port__in", ["bottom", "right", "exception"])),
                        name="connection_port_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("port", "exception"), ("source", models.F("target")), _negated=True
                        ),
                        name="connection_no_self_throw",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FavoriteFlow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "flow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="favorites",
                        to="flows.flow",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "flow"), name="favorite_flow_once_a_user"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="block",
            constraint=models.UniqueConstraint(fields=("version", "key"), name="block_key_unique"),
        ),
        migrations.AddConstraint(
            model_name="block",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("x", None), ("y", None)),
                    models.Q(("x__isnull", False), ("y__isnull", False)),
                    _connector="OR",
                ),
                name="block_position_whole",
            ),
        ),
        migrations.RunSQL(IMMUTABLE_TABLES, MUTABLE),
        migrations.RunSQL(FOLDERS.format(most=DEEPEST), NO_FOLDERS),
        migrations.RunSQL(ADMINISTRATOR, NO_ADMINISTRATOR),
    ]
