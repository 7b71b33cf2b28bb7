"""The tables of executions, in one step for a new database; what there was before has the others."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import executions.fields
import executions.models.alerts
import executions.models.execution
import executions.models.expressions
import executions.models.webhooks
import executions.states

#: What parts words (`executions.grid.query.lexemes`): ASCII's signs and spaces.
PARTING = "".join(chr(n) for n in range(1, 128) if not chr(n).isalnum())
QUOTED = "".join(f"\\x{ord(sign):02x}" for sign in PARTING)
# No subquery, which would cost more at each row.
LEXEMES = f"""
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
#: Of long details the beginning is searched, and of long words. A tsvector has a largest size, and
#: no line may be refused because of it.
LOG_LEXEMES = f"""
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
#: The planner takes no statistics of a partial index, so they have an object of their own.
LEXEME_STATISTICS = """
CREATE STATISTICS execution_lexemes ON (executions_lexemes(
    flow_name, block_type, block_description, workspace_name, error_type,
    error_message, initiator_name, trigger, version_number, exception_types
)) FROM executions_execution;
"""
INSERTED = """
CREATE FUNCTION executions_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO executions_statisticsevent (at, version_id, trigger, kind, sign)
    VALUES (NEW.started_at, NEW.version_id, NEW.trigger, 'started', 1);
    RETURN NULL;
END $$;
CREATE TRIGGER execution_inserted AFTER INSERT ON executions_execution
    FOR EACH ROW EXECUTE FUNCTION executions_inserted();
"""
CLAIMED = """
CREATE FUNCTION executions_claimed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO executions_statisticsevent (at, version_id, trigger, kind, sign, since)
    VALUES (
        NEW.first_claimed_at, NEW.version_id, NEW.trigger, 'claimed', 1, NEW.started_at
    );
    RETURN NULL;
END $$;
CREATE TRIGGER execution_inserted_claimed AFTER INSERT ON executions_execution
    FOR EACH ROW WHEN (NEW.first_claimed_at IS NOT NULL)
    EXECUTE FUNCTION executions_claimed();
CREATE TRIGGER execution_claimed AFTER UPDATE OF first_claimed_at ON executions_execution
    FOR EACH ROW WHEN (OLD.first_claimed_at IS NULL AND NEW.first_claimed_at IS NOT NULL)
    EXECUTE FUNCTION executions_claimed();
"""
# One that was stopped says nothing about how long it would have taken.
ENDED = """
CREATE FUNCTION executions_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO executions_statisticsevent (at, version_id, trigger, kind, sign, since, failure)
    VALUES (
        NEW.ended_at, NEW.version_id, NEW.trigger,
        CASE WHEN NEW.unhandled THEN 'unhandled' ELSE NEW.status END, 1,
        CASE WHEN NEW.status <> 'Stopped' THEN NEW.started_at END,
        CASE WHEN NEW.unhandled OR NEW.status = 'Error' THEN NEW.failure END
    );
    RETURN NULL;
END $$;
CREATE TRIGGER execution_inserted_ended AFTER INSERT ON executions_execution
    FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION executions_ended();
CREATE TRIGGER execution_ended AFTER UPDATE OF ended_at ON executions_execution
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION executions_ended();
"""
# It has left the former version. Only one that has not ended moves.
MOVED = """
CREATE FUNCTION executions_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO executions_statisticsevent (at, version_id, trigger, kind, sign) VALUES
        (OLD.started_at, OLD.version_id, OLD.trigger, 'started', -1),
        (OLD.started_at, NEW.version_id, OLD.trigger, 'started', 1);
    IF OLD.first_claimed_at IS NOT NULL THEN
        INSERT INTO executions_statisticsevent (at, version_id, trigger, kind, sign, since) VALUES
            (OLD.first_claimed_at, OLD.version_id, OLD.trigger, 'claimed', -1, OLD.started_at),
            (OLD.first_claimed_at, NEW.version_id, OLD.trigger, 'claimed', 1, OLD.started_at);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER execution_moved AFTER UPDATE OF version_id ON executions_execution
    FOR EACH ROW WHEN (OLD.version_id <> NEW.version_id)
    EXECUTE FUNCTION executions_moved();
"""
DELETED = """
CREATE FUNCTION executions_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO executions_statisticsevent (at, version_id, trigger, kind, sign, failure)
    VALUES (
        coalesce(OLD.ended_at, now()), OLD.version_id, OLD.trigger, 'deleted', 1,
        CASE WHEN OLD.unhandled OR OLD.status = 'Error' THEN OLD.failure END
    );
    RETURN NULL;
END $$;
CREATE TRIGGER execution_deleted AFTER DELETE ON executions_execution
    FOR EACH ROW EXECUTE FUNCTION executions_deleted();
"""
NOT_COUNTED = """
DROP FUNCTION executions_deleted() CASCADE;
DROP FUNCTION executions_moved() CASCADE;
DROP FUNCTION executions_ended() CASCADE;
DROP FUNCTION executions_claimed() CASCADE;
DROP FUNCTION executions_inserted() CASCADE;
"""
# The journal has no index. Its rows soon go, so it is vacuumed often and its room is used again.
# The totals of the present minute change with each fold.
JOURNAL = """
ALTER TABLE executions_statisticsevent DROP CONSTRAINT executions_statisticsevent_pkey;
ALTER TABLE executions_statisticsevent SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_threshold = -1
);
ALTER TABLE executions_statisticstotal SET (fillfactor = 80);
"""
#: `executions.audit.retention` sets `cortexweb.audit_retention`, for its transaction, to the time
#: before which entries may be deleted. Entries of the last day are always kept.
AUDIT_IS_KEPT = """
CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '1 day'
        AND OLD.at < nullif(current_setting('cortexweb.audit_retention', true), '')::timestamptz
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'Entries of the audit trail are not changed or deleted.'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE ON executions_auditentry
    FOR EACH ROW EXECUTE FUNCTION audit_is_kept();
"""
AUDIT_IS_CHANGED = """
DROP TRIGGER audit_is_kept ON executions_auditentry;
DROP FUNCTION audit_is_kept();
"""


class Migration(migrations.Migration):
    replaces = [
        ("executions", "0001_initial"),
        ("executions", "0002_tasks_and_semaphores"),
        ("executions", "0003_debugging"),
        ("executions", "0004_log_entries"),
        ("executions", "0005_trimmed_steps"),
        ("executions", "0006_changed_values"),
        ("executions", "0007_values_that_may_go"),
        ("executions", "0008_preferences_and_views"),
        ("executions", "0009_called_by"),
        ("executions", "0010_history"),
        ("executions", "0011_finding"),
        ("executions", "0012_live_by_flow"),
        ("executions", "0013_bulk_jobs_and_watches"),
        ("executions", "0014_control_and_failures"),
        ("executions", "0015_bulk_jobs_fail_and_have_an_order"),
        ("executions", "0016_words_by_row"),
        ("executions", "0017_found_when_unleased"),
        ("executions", "0018_secrets"),
        ("executions", "0019_flow_name_first"),
        ("executions", "0020_debugging_takes_a_permission"),
        ("executions", "0021_tracebacks"),
        ("executions", "0022_failures"),
        ("executions", "0023_worker_limits"),
        ("executions", "0024_statistics"),
        ("executions", "0025_failure_groups"),
        ("executions", "0026_audit_of_failures"),
        ("executions", "0027_read_revision"),
        ("executions", "0028_log_search_columns"),
        ("executions", "0029_failure_revisions"),
        ("executions", "0030_overview"),
        ("executions", "0031_log_search"),
        ("executions", "0032_alerts"),
        ("executions", "0033_last_worker"),
        ("executions", "0034_retries"),
        ("executions", "0035_retry_indexes"),
        ("executions", "0036_bulk_results"),
        ("executions", "0037_api_tokens_and_audit"),
        ("executions", "0038_audit_indexes"),
        ("executions", "0039_encrypted_secrets"),
        ("executions", "0040_api"),
        ("executions", "0041_watches_are_told"),
        ("executions", "0042_schedules"),
        ("executions", "0043_schedule_indexes"),
        ("executions", "0044_webhooks"),
        ("executions", "0045_share_links"),
        ("executions", "0046_audit_by_object_name"),
    ]

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("flows", "0001_squashed_0012_last_administrator"),
    ]

    operations = [
        migrations.RunSQL(LEXEMES, "DROP FUNCTION executions_lexemes"),
        migrations.RunSQL(LOG_LEXEMES, "DROP FUNCTION executions_log_lexemes"),
        migrations.CreateModel(
            name="Execution",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=executions.models.execution.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("version_number", models.PositiveIntegerField()),
                ("flow_name", models.CharField(db_collation="C", max_length=120)),
                ("root_id", models.UUIDField()),
                ("depth", models.PositiveSmallIntegerField(default=0)),
                ("child_count", models.PositiveIntegerField(default=0)),
                (
                    "called_by",
                    models.CharField(blank=True, db_default="", default="", max_length=200),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("Queued", "Queued"),
                            ("Running", "Running"),
                            ("Pausing", "Pausing"),
                            ("Paused", "Paused"),
                            ("Exception", "Exception"),
                            ("Stopping", "Stopping"),
                            ("Stopped", "Stopped"),
                            ("Ended", "Ended"),
                            ("Error", "Error"),
                        ],
                        default=executions.states.Status["QUEUED"],
                        max_length=9,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", ""),
                            ("children", "children"),
                            ("time", "time"),
                            ("semaphore", "semaphore"),
                            ("limit", "limit"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                (
                    "place",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", ""),
                            ("block", "block"),
                            ("breakpoint", "breakpoint"),
                            ("port", "port"),
                            ("exception", "exception"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                (
                    "request",
                    models.CharField(
                        blank=True,
                        choices=[("", ""), ("pause", "pause"), ("stop", "stop")],
                        default="",
                        max_length=5,
                    ),
                ),
                ("steps_wanted", models.PositiveIntegerField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                (
                    "waiting_for",
                    models.CharField(blank=True, db_default="", default="", max_length=400),
                ),
                (
                    "awaits",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), null=True, size=None
                    ),
                ),
                ("block", models.CharField(blank=True, max_length=200)),
                ("block_type", models.CharField(blank=True, max_length=80)),
                ("block_description", models.CharField(blank=True, max_length=200)),
                ("workspace_name", models.CharField(blank=True, max_length=200)),
                ("started_at", models.DateTimeField()),
                ("first_claimed_at", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("initiator_name", models.CharField(max_length=150)),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("page", "Started on a page"),
                            ("command line", "Started on the command line"),
                            ("api", "Started by a program"),
                            ("parent", "Started by a parent flow"),
                            ("task", "Started by a parent flow, which goes on beside it"),
                            ("demo", "Started by the demo"),
                            ("retry", "Tried again"),
                            ("again", "Run again, with inputs of its own"),
                            ("schedule", "Started by a schedule"),
                            ("webhook", "Started by a webhook"),
                            ("chain", "Started by the end of another execution"),
                        ],
                        max_length=12,
                    ),
                ),
                ("schedule_id", models.BigIntegerField(null=True)),
                ("webhook_id", models.BigIntegerField(null=True)),
                ("inputs", executions.fields.ExactJSONField(default=dict)),
                ("outputs", executions.fields.ExactJSONField(null=True)),
                ("error_type", models.CharField(blank=True, max_length=200)),
                ("error_message", models.CharField(blank=True, max_length=400)),
                ("unhandled", models.BooleanField(db_default=False, default=False)),
                ("exception_types", models.TextField(blank=True, db_default="", default="")),
                ("failed_descendants", models.PositiveIntegerField(db_default=0, default=0)),
                ("failure", models.UUIDField(null=True)),
                ("revision", models.BigIntegerField(default=1)),
                ("step_count", models.BigIntegerField(default=0)),
                ("stored_size", models.BigIntegerField(db_default=0, default=0)),
                ("lease_owner", models.CharField(blank=True, max_length=100)),
                (
                    "last_worker",
                    models.CharField(blank=True, db_default="", default="", max_length=100),
                ),
                ("lease_expires_at", models.DateTimeField(null=True)),
                ("state", executions.fields.ExactJSONField(default=dict)),
                ("secrets", executions.fields.EncryptedJSONField(null=True)),
                ("retried_as", models.UUIDField(null=True)),
                (
                    "retry_state",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", ""),
                            ("live", "live"),
                            ("ended", "ended"),
                            ("failed", "failed"),
                            ("stopped", "stopped"),
                        ],
                        db_default="",
                        default="",
                        max_length=7,
                    ),
                ),
                ("start_context", models.JSONField(null=True)),
                (
                    "debugged_by_name",
                    models.CharField(blank=True, db_default="", default="", max_length=150),
                ),
                ("debugged_since", models.DateTimeField(null=True)),
                (
                    "asked_by_name",
                    models.CharField(blank=True, db_default="", default="", max_length=150),
                ),
                ("asked_at", models.DateTimeField(null=True)),
                ("debug", executions.fields.ExactJSONField(null=True)),
                ("debug_hits", executions.fields.ExactJSONField(null=True)),
                ("run_until", executions.fields.ExactJSONField(null=True)),
                ("passed_step", models.BigIntegerField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "debugged_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "initiator",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "origin",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="retries",
                        to="executions.execution",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="children",
                        to="executions.execution",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="executions",
                        to="flows.flowversion",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("control_execution", "Can control any execution"),
                    ("debug_execution", "Can debug the executions that they control"),
                    ("debug_secrets", "Can debug executions with secrets that others gave"),
                ],
                "indexes": [
                    models.Index(
                        fields=["parent", "-started_at", "-id"], name="execution_by_parent"
                    ),
                    models.Index(
                        condition=models.Q(("parent", None)),
                        fields=["-started_at", "-id"],
                        name="execution_roots",
                    ),
                    models.Index(fields=["-started_at", "-id"], name="execution_all"),
                    models.Index(fields=["status", "started_at", "id"], name="execution_by_status"),
                    models.Index(
                        fields=["flow_name", "started_at", "id"], name="execution_by_flow"
                    ),
                    models.Index(
                        fields=["initiator", "started_at", "id"], name="execution_by_initiator"
                    ),
                    models.Index(fields=["updated_at", "id"], name="execution_by_update"),
                    models.Index(
                        executions.models.expressions.Length(),
                        models.F("id"),
                        name="execution_by_length",
                    ),
                    models.Index(
                        condition=models.Q(("exception_types", ""), _negated=True),
                        fields=["started_at", "id"],
                        name="execution_with_exception",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("status", "Error"), ("unhandled", True), _connector="OR"
                        ),
                        fields=["started_at", "id"],
                        name="execution_failed",
                    ),
                    models.Index(
                        condition=models.Q(("unhandled", True)),
                        fields=["started_at", "id"],
                        name="execution_unhandled",
                    ),
                    models.Index(
                        condition=models.Q(("failed_descendants__gt", 0)),
                        fields=["started_at", "id"],
                        name="execution_failed_below",
                    ),
                    models.Index(
                        condition=models.Q(("failure__isnull", False)),
                        fields=["failure", "started_at", "id"],
                        name="execution_by_failure",
                    ),
                    models.Index(
                        condition=models.Q(("failure__isnull", False)),
                        fields=["initiator", "failure"],
                        name="execution_own_failures",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        executions.models.expressions.Lexemes(),
                        condition=models.Q(("lease_expires_at__isnull", True)),
                        name="execution_found",
                    ),
                    models.Index(
                        condition=models.Q(
                            (
                                "status__in",
                                ["Queued", "Running", "Pausing", "Paused", "Exception", "Stopping"],
                            )
                        ),
                        fields=["flow_name"],
                        name="execution_live_by_flow",
                    ),
                    models.Index(fields=["root_id"], name="execution_by_root"),
                    models.Index(
                        condition=models.Q(("schedule_id__isnull", False)),
                        fields=["schedule_id", "started_at", "id"],
                        name="execution_by_schedule",
                    ),
                    models.Index(
                        condition=models.Q(("ended_at", None), ("schedule_id__isnull", False)),
                        fields=["schedule_id"],
                        name="execution_live_by_schedule",
                    ),
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at"],
                        name="execution_due",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        condition=models.Q(("awaits__isnull", False)),
                        fields=["awaits"],
                        name="execution_awaits",
                    ),
                    models.Index(
                        condition=models.Q(("lease_expires_at__isnull", False)),
                        fields=["lease_expires_at"],
                        name="execution_leased",
                    ),
                    models.Index(
                        condition=models.Q(("origin__isnull", False)),
                        fields=["origin"],
                        name="execution_retries",
                    ),
                    models.Index(
                        condition=models.Q(
                            models.Q(("status", "Error"), ("unhandled", True), _connector="OR"),
                            models.Q(("retry_state", "ended"), _negated=True),
                        ),
                        fields=["started_at", "id"],
                        name="execution_open_failure",
                    ),
                    models.Index(
                        condition=models.Q(("retry_state", ""), _negated=True),
                        fields=["retry_state", "started_at", "id"],
                        name="execution_retried",
                    ),
                    models.Index(
                        condition=models.Q(("debugged_by__isnull", False)),
                        fields=["debugged_by"],
                        name="execution_debugged",
                    ),
                    models.Index(
                        condition=models.Q(("asked_at__isnull", False)),
                        fields=["asked_at"],
                        name="execution_asked",
                    ),
                    models.Index(
                        condition=models.Q(("status", "Queued")),
                        fields=["updated_at"],
                        name="execution_queued",
                    ),
                    models.Index(
                        condition=models.Q(("lease_owner", ""), _negated=True),
                        fields=["initiator", "flow_name"],
                        name="execution_held",
                    ),
                    models.Index(
                        condition=models.Q(("reason", "limit")),
                        fields=["initiator", "updated_at", "id"],
                        name="execution_limited_person",
                    ),
                    models.Index(
                        condition=models.Q(("reason", "limit")),
                        fields=["flow_name", "updated_at", "id"],
                        name="execution_limited_flow",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "Queued",
                                    "Running",
                                    "Pausing",
                                    "Paused",
                                    "Exception",
                                    "Stopping",
                                    "Stopped",
                                    "Ended",
                                    "Error",
                                ],
                            )
                        ),
                        name="execution_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_at__isnull", False),
                                ("lease_owner", ""),
                                ("status__in", ["Stopped", "Ended", "Error"]),
                            ),
                            models.Q(
                                models.Q(
                                    ("status__in", ["Stopped", "Ended", "Error"]), _negated=True
                                ),
                                ("ended_at", None),
                            ),
                            _connector="OR",
                        ),
                        name="execution_end_has_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("depth", 0), ("parent", None)),
                            models.Q(("depth__gt", 0), ("parent__isnull", False)),
                            _connector="OR",
                        ),
                        name="execution_depth_fits_parent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("unhandled", False), ("status", "Ended"), _connector="OR"
                        ),
                        name="execution_unhandled_has_ended",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatisticsEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("version_id", models.BigIntegerField()),
                ("trigger", models.CharField(max_length=12)),
                ("kind", models.CharField(max_length=9)),
                ("sign", models.SmallIntegerField()),
                ("since", models.DateTimeField(null=True)),
                ("failure", models.UUIDField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="AlertChannel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("webhook", "Webhook"), ("chat", "Chat")], max_length=7
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True)),
                ("address", executions.fields.EncryptedTextField()),
                (
                    "secret",
                    executions.fields.EncryptedTextField(
                        blank=True, default=executions.models.alerts.new_secret
                    ),
                ),
                ("old_secret", executions.fields.EncryptedTextField(blank=True)),
                ("old_secret_until", models.DateTimeField(blank=True, null=True)),
                ("is_on", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alert_channels",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["webhook", "chat"])),
                        name="alert_channel_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("person", None), ("kind", "chat"), _connector="OR"),
                        name="alert_channel_of_person_is_chat",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AlertRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("kind", models.CharField(max_length=30)),
                ("parameters", models.JSONField(default=dict)),
                ("quiet_from", models.TimeField(blank=True, null=True)),
                ("quiet_until", models.TimeField(blank=True, null=True)),
                ("zone", models.CharField(default="UTC", max_length=64)),
                (
                    "repeat_minutes",
                    models.PositiveIntegerField(
                        default=240, validators=[django.core.validators.MaxValueValidator(10080)]
                    ),
                ),
                ("is_on", models.BooleanField(default=True)),
                ("since", models.DateTimeField(default=django.utils.timezone.now)),
                ("revision", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("evaluated_at", models.DateTimeField(null=True)),
                ("problem", models.TextField(blank=True)),
                (
                    "channels",
                    models.ManyToManyField(
                        blank=True, related_name="rules", to="executions.alertchannel"
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "flow",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="flows.flow",
                    ),
                ),
                (
                    "folder",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="flows.folder",
                    ),
                ),
                ("groups", models.ManyToManyField(blank=True, related_name="+", to="auth.group")),
                (
                    "label",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="flows.label",
                    ),
                ),
                (
                    "users",
                    models.ManyToManyField(
                        blank=True, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "permissions": [("edit_alert_rules", "Can edit alert rules")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("flow", None), ("folder", None)),
                            models.Q(("flow", None), ("label", None)),
                            models.Q(("folder", None), ("label", None)),
                            _connector="OR",
                        ),
                        name="alert_rule_one_scope",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("quiet_from", None), ("quiet_until", None)),
                            models.Q(("quiet_from__isnull", False), ("quiet_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="alert_rule_quiet_hours_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("found_at", models.DateTimeField()),
                ("findings", models.JSONField(default=list)),
                ("count", models.PositiveIntegerField(default=0)),
                ("most", models.PositiveIntegerField(default=0)),
                ("told_groups", models.JSONField(default=list)),
                ("told_at", models.DateTimeField(null=True)),
                ("messages", models.PositiveIntegerField(default=0)),
                ("is_done", models.BooleanField(default=False)),
                (
                    "rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alerts",
                        to="executions.alertrule",
                    ),
                ),
            ],
            options={
                "ordering": ["-opened_at", "-id"],
                "indexes": [
                    models.Index(fields=["-opened_at", "-id"], name="alert_by_time"),
                    models.Index(
                        condition=models.Q(("is_done", False)), fields=["rule"], name="alert_undone"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at", None)),
                        fields=("rule",),
                        name="alert_open_once_a_rule",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("start", models.CharField(max_length=12)),
                ("digest", models.CharField(max_length=64, unique=True)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), size=None
                    ),
                ),
                ("is_limited", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("last_address", models.GenericIPAddressField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("flows", models.ManyToManyField(blank=True, related_name="+", to="flows.flow")),
                (
                    "folders",
                    models.ManyToManyField(blank=True, related_name="+", to="flows.folder"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "API token",
                "ordering": ["-created_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at", None)),
                        fields=("user", "name"),
                        name="api_token_name_of_user",
                        violation_error_message="There is a token of this name already.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BulkJob",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=executions.models.execution.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "address",
                    models.GenericIPAddressField(help_text="Where it was asked from.", null=True),
                ),
                ("command", models.CharField(max_length=20)),
                ("fields", executions.fields.EncryptedJSONField(default=dict)),
                ("chosen", models.JSONField(null=True)),
                ("filters", models.TextField(blank=True)),
                ("zone", models.CharField(blank=True, max_length=64)),
                ("child_first", models.BooleanField(default=False)),
                ("expected", models.PositiveIntegerField(null=True)),
                ("done", models.PositiveIntegerField(default=0)),
                ("refused", models.PositiveIntegerField(default=0)),
                ("cursor", models.CharField(blank=True, max_length=80)),
                ("at_a_time", models.PositiveSmallIntegerField(null=True)),
                ("stop_after", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("one_first", models.BooleanField(db_default=False, default=False)),
                ("ended_well", models.PositiveIntegerField(db_default=0, default=0)),
                ("failed", models.PositiveIntegerField(db_default=0, default=0)),
                ("failed_in_row", models.PositiveIntegerField(db_default=0, default=0)),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("problem", models.TextField(blank=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("suspending", "Suspending"),
                            ("suspended", "Suspended"),
                            ("cancelling", "Cancelling"),
                            ("cancelled", "Cancelled"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("lease_owner", models.CharField(blank=True, max_length=100)),
                ("lease_expires_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["user", "-created_at"], name="bulk_job_by_user"),
                    models.Index(
                        condition=models.Q(("lease_expires_at__isnull", False)),
                        fields=["lease_expires_at"],
                        name="bulk_job_leased",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "queued",
                                    "running",
                                    "suspending",
                                    "suspended",
                                    "cancelling",
                                    "cancelled",
                                    "done",
                                    "failed",
                                ],
                            )
                        ),
                        name="bulk_job_status_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BulkResult",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("execution_id", models.UUIDField()),
                ("flow_name", models.CharField(max_length=120)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("done", "Done"),
                            ("refused", "Refused"),
                            ("live", "Started, not ended"),
                            ("ended", "Ended well"),
                            ("failed", "Failed or stopped"),
                        ],
                        db_default="refused",
                        default="refused",
                        max_length=7,
                    ),
                ),
                ("detail", models.TextField(blank=True)),
                ("started_as", models.UUIDField(null=True)),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="results",
                        to="executions.bulkjob",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["job", "outcome", "id"], name="bulk_result_by_outcome"),
                    models.Index(fields=["job", "id"], name="bulk_result_of_job"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Chain",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "when",
                    models.CharField(
                        choices=[
                            ("ended", "It ended well"),
                            ("failed", "It failed"),
                            ("any", "It ended in any way"),
                        ],
                        default="ended",
                        max_length=6,
                    ),
                ),
                ("condition", models.TextField(blank=True, max_length=4000)),
                ("inputs", executions.fields.ExactJSONField(default=dict)),
                ("secret_inputs", executions.fields.EncryptedJSONField(default=dict)),
                ("is_on", models.BooleanField(default=True)),
                ("revision", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "flow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="chains",
                        to="flows.flow",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="chained_from",
                        to="flows.flow",
                    ),
                ),
            ],
            options={
                "ordering": ["flow__name", "target__name", "id"],
            },
        ),
        migrations.CreateModel(
            name="ChainStart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source_id", models.UUIDField(db_index=True)),
                ("started_id", models.UUIDField(null=True, unique=True)),
                ("at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("started", "Started"),
                            ("unmatched", "Did not match"),
                            ("failed", "Failed to start"),
                        ],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                ("why", models.TextField(blank=True)),
                ("length", models.PositiveSmallIntegerField(default=1)),
                (
                    "chain",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="starts",
                        to="executions.chain",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("outcome", "waiting")),
                        fields=["at"],
                        name="chain_start_waiting",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("chain", "source_id"), name="chain_start_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=executions.models.execution.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "step",
                    models.CharField(
                        choices=[
                            ("opened", "Began"),
                            ("spread", "More of it"),
                            ("lasts", "Still lasts"),
                            ("closed", "Over"),
                            ("personal", "For you"),
                            ("test", "Test"),
                        ],
                        max_length=8,
                    ),
                ),
                ("number", models.PositiveIntegerField(default=0)),
                ("occasion", models.CharField(blank=True, max_length=30)),
                ("via", models.CharField(max_length=10)),
                ("recipient", models.CharField(max_length=40)),
                ("message", models.JSONField()),
                ("destination", models.CharField(max_length=40)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sending", "On its way"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("outdated", "Out of date"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("is_held", models.BooleanField(default=False)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("lease_expires_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField(null=True)),
                (
                    "alert",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="executions.alert",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="executions.alertchannel",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(fields=["-created_at", "-id"], name="delivery_by_time"),
                    models.Index(
                        condition=models.Q(("status__in", ["waiting", "sending"])),
                        fields=["destination", "due_at"],
                        name="delivery_due",
                    ),
                    models.Index(
                        condition=models.Q(("user__isnull", False)),
                        fields=["user", "-created_at", "-id"],
                        name="delivery_of_user",
                    ),
                    models.Index(
                        condition=models.Q(("channel__isnull", False)),
                        fields=["channel", "-created_at"],
                        name="delivery_of_channel",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("alert__isnull", False)),
                        fields=("alert", "number", "via", "recipient"),
                        name="delivery_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DeliveryAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "seconds",
                    models.FloatField(validators=[django.core.validators.MinValueValidator(0)]),
                ),
                ("answer", models.TextField()),
                ("is_done", models.BooleanField()),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log",
                        to="executions.delivery",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="UncountedFailure",
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
        migrations.CreateModel(
            name="ExceptionRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("step", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("block", models.CharField(max_length=200)),
                ("type", models.CharField(max_length=200)),
                ("message", models.TextField(blank=True)),
                ("data", executions.fields.ExactJSONField()),
                ("handled_by", models.CharField(blank=True, max_length=200)),
                ("traceback", models.TextField(blank=True, db_default="", default="")),
                (
                    "execution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exceptions",
                        to="executions.execution",
                    ),
                ),
            ],
            options={
                "ordering": ["execution", "step", "id"],
            },
        ),
        migrations.CreateModel(
            name="ChangedValue",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "execution_id",
                        "key",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        help_text="SHA-256 of its JSON text, in hexadecimal.", max_length=64
                    ),
                ),
                (
                    "value",
                    executions.fields.ExactJSONField(
                        help_text="The typed JSON form of flows.values."
                    ),
                ),
                ("size", models.BigIntegerField(help_text="Bytes.")),
                ("first_step", models.BigIntegerField()),
                ("last_step", models.BigIntegerField()),
                (
                    "execution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changed_values",
                        to="executions.execution",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("first_step__gt", 9000)),
                        fields=["execution"],
                        name="changed_value_may_go",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FailureGroup",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("block", models.CharField(max_length=200)),
                ("block_type", models.CharField(max_length=80)),
                ("block_description", models.CharField(blank=True, max_length=200)),
                ("type", models.CharField(max_length=200)),
                ("template", models.TextField(blank=True)),
                ("first_seen_at", models.DateTimeField()),
                ("first_version", models.PositiveIntegerField()),
                ("last_seen_at", models.DateTimeField()),
                ("last_version", models.PositiveIntegerField()),
                ("count", models.PositiveBigIntegerField(db_default=0, default=0)),
                ("is_known", models.BooleanField(db_default=False, default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("regressed", "Regressed"),
                            ("muted", "Muted"),
                            ("resolved", "Resolved"),
                        ],
                        db_default="open",
                        default="open",
                        max_length=9,
                    ),
                ),
                ("changed_at", models.DateTimeField()),
                ("muted_until", models.DateTimeField(blank=True, null=True)),
                ("muted_until_count", models.PositiveBigIntegerField(blank=True, null=True)),
                ("muted_in_version", models.PositiveIntegerField(blank=True, null=True)),
                ("resolved_in_version", models.PositiveIntegerField(blank=True, null=True)),
                ("regressed_in_version", models.PositiveIntegerField(blank=True, null=True)),
                ("revision", models.PositiveIntegerField(db_default=1, default=1)),
                (
                    "flow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="failures",
                        to="flows.flow",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [("handle_failure", "Can own, mute and resolve failures")],
                "indexes": [
                    models.Index(fields=["state", "-last_seen_at", "id"], name="failure_by_state"),
                    models.Index(fields=["-last_seen_at", "id"], name="failure_by_time"),
                    models.Index(
                        condition=models.Q(("is_known", False)),
                        fields=["id"],
                        name="failure_unknown",
                    ),
                    models.Index(
                        condition=models.Q(("muted_until__isnull", False)),
                        fields=["muted_until"],
                        name="failure_muted_until",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["open", "regressed", "muted", "resolved"])
                        ),
                        name="failure_state_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FailureActivity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("kind", models.CharField(max_length=20)),
                ("actor", models.CharField(blank=True, max_length=150)),
                ("text", models.TextField(blank=True)),
                (
                    "mentions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=150), default=list, size=None
                    ),
                ),
                ("version", models.PositiveIntegerField(null=True)),
                ("revision", models.PositiveIntegerField(db_default=0, default=0)),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="activity",
                        to="executions.failuregroup",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "failure activity",
                "indexes": [
                    models.Index(fields=["group", "-id"], name="failure_activity_by_group")
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("flow_name", models.CharField(max_length=120)),
                ("actor", models.CharField(max_length=150)),
                ("token", models.CharField(blank=True, db_default="", max_length=80)),
                ("command", models.CharField(max_length=40)),
                ("source", models.CharField(max_length=20)),
                ("address", models.GenericIPAddressField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[("done", "Done"), ("refused", "Refused")], max_length=8
                    ),
                ),
                ("detail", models.TextField(blank=True)),
                ("object_kind", models.CharField(blank=True, db_default="", max_length=40)),
                ("object_id", models.CharField(blank=True, db_default="", max_length=64)),
                ("object_name", models.CharField(blank=True, db_default="", max_length=200)),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "execution",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="audit",
                        to="executions.execution",
                    ),
                ),
                (
                    "failure",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="audit",
                        to="executions.failuregroup",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "audit entries",
                "ordering": ["-at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("failure__isnull", False)),
                        fields=["failure", "-at", "-id"],
                        name="audit_by_failure",
                    ),
                    models.Index(fields=["-at", "-id"], name="audit_by_time"),
                    models.Index(fields=["user", "-at", "-id"], name="audit_by_user"),
                    models.Index(fields=["actor", "-at", "-id"], name="audit_by_actor"),
                    models.Index(fields=["command", "-at", "-id"], name="audit_by_command"),
                    models.Index(fields=["source", "-at", "-id"], name="audit_by_source"),
                    models.Index(fields=["flow_name", "-at", "-id"], name="audit_by_flow"),
                    models.Index(
                        condition=models.Q(("object_kind", ""), _negated=True),
                        fields=["object_kind", "object_id", "-at", "-id"],
                        name="audit_by_object",
                    ),
                    models.Index(
                        condition=models.Q(("object_kind", ""), _negated=True),
                        fields=["object_kind", "object_name", "-at", "-id"],
                        name="audit_by_object_name",
                    ),
                    models.Index(
                        condition=models.Q(("outcome", "refused")),
                        fields=["-at", "-id"],
                        name="audit_refused",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FailureWatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="watches",
                        to="executions.failuregroup",
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
            ],
            options={
                "verbose_name_plural": "failure watches",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "group"), name="failure_watch_once_a_user"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotentStart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.CharField(max_length=64)),
                ("at", models.DateTimeField(db_index=True)),
                (
                    "executions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), null=True, size=None
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
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "key"), name="idempotent_start_once_a_user"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Intervention",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("after_step", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("kind", models.CharField(max_length=20)),
                ("actor", models.CharField(blank=True, max_length=150)),
                ("version_id", models.BigIntegerField(null=True)),
                ("tokens", executions.fields.ExactJSONField(default=list)),
                ("stays", models.PositiveSmallIntegerField()),
                ("changes", executions.fields.ExactJSONField(default=dict)),
                (
                    "execution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="interventions",
                        to="executions.execution",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["execution", "after_step", "id"], name="intervention_by_step"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="KeptBreakpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("flow_name", models.CharField(max_length=120)),
                ("block", models.CharField(max_length=200)),
                ("condition", models.CharField(blank=True, max_length=1000)),
                ("hits", models.PositiveIntegerField(default=1)),
                ("enabled", models.BooleanField(default=True)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "flow_name", "block"), name="kept_breakpoint_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LiveSample",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "flow_id",
                        "at",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("flow_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("running", models.PositiveIntegerField()),
                ("queued", models.PositiveIntegerField()),
                ("needs_person", models.PositiveIntegerField()),
                ("is_quarter", models.BooleanField(db_default=False, default=False)),
            ],
            options={
                "indexes": [models.Index(fields=["at"], name="live_sample_by_time")],
            },
        ),
        migrations.CreateModel(
            name="LogEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("step", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("block", models.CharField(max_length=200)),
                ("severity", models.CharField(max_length=12)),
                ("event_type", models.CharField(blank=True, max_length=200)),
                ("details", executions.fields.ExactJSONField(null=True)),
                ("event_started_at", models.DateTimeField(null=True)),
                ("event_ended_at", models.DateTimeField(null=True)),
                (
                    "flow_name",
                    models.CharField(blank=True, db_collation="C", db_default="", max_length=120),
                ),
                ("initiator_id", models.BigIntegerField(null=True)),
                (
                    "execution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="logs",
                        to="executions.execution",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "log entries",
                "ordering": ["execution", "id"],
                "indexes": [
                    models.Index(fields=["at", "id"], name="log_entry_by_time"),
                    models.Index(fields=["flow_name", "at", "id"], name="log_entry_by_flow"),
                    models.Index(
                        fields=["initiator_id", "at", "id"], name="log_entry_by_initiator"
                    ),
                    models.Index(
                        condition=models.Q(("severity__in", ["Warning", "Error", "Critical"])),
                        fields=["at", "id"],
                        name="log_entry_severe",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        executions.models.expressions.LogLexemes(), name="log_entry_found"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MachineAccount",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="machine_account",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("description", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Observation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=30)),
                ("key", models.CharField(max_length=200)),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField(null=True)),
                (
                    "flow",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="flows.flow",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["kind", "until"], name="observation_by_kind")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("until", None)),
                        fields=("kind", "key"),
                        name="observation_open_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                (
                    "query",
                    models.TextField(blank=True, help_text="Filters and order, as in an address."),
                ),
                ("layout", models.JSONField(default=dict)),
                ("shared", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("shared", True)),
                        fields=["name"],
                        name="saved_view_shared",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("owner", "name"), name="saved_view_name_of_owner"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Preferences",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="preferences",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("layout", models.JSONField(blank=True, default=dict)),
                (
                    "density",
                    models.CharField(
                        choices=[("dense", "Dense"), ("comfortable", "Comfortable")],
                        default="dense",
                        max_length=11,
                    ),
                ),
                (
                    "zone",
                    models.CharField(
                        blank=True, help_text="A name of the IANA database.", max_length=64
                    ),
                ),
                ("starts_at_overview", models.BooleanField(db_default=False, default=False)),
                (
                    "single_keys",
                    models.BooleanField(default=True, help_text="Shortcuts of a single key."),
                ),
                ("notifications", models.JSONField(blank=True, db_default={}, default=dict)),
                ("quiet_from", models.TimeField(blank=True, null=True)),
                ("quiet_until", models.TimeField(blank=True, null=True)),
                (
                    "start_view",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="executions.savedview",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "preferences",
            },
        ),
        migrations.CreateModel(
            name="Schedule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("description", models.TextField(blank=True)),
                ("cron", models.CharField(max_length=200)),
                ("zone", models.CharField(default="UTC", max_length=64)),
                ("starts_on", models.DateField(blank=True, null=True)),
                ("ends_on", models.DateField(blank=True, null=True)),
                (
                    "excluded_days",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateField(), blank=True, default=list, size=None
                    ),
                ),
                ("calendar", models.TextField(blank=True)),
                ("calendar_name", models.CharField(blank=True, max_length=120)),
                (
                    "jitter_seconds",
                    models.PositiveIntegerField(
                        default=0, validators=[django.core.validators.MaxValueValidator(3600)]
                    ),
                ),
                (
                    "overlap",
                    models.CharField(
                        choices=[
                            ("skip", "Skip"),
                            ("queue", "Queue one"),
                            ("parallel", "Side by side"),
                        ],
                        default="skip",
                        max_length=8,
                    ),
                ),
                (
                    "misfire",
                    models.CharField(
                        choices=[("skip", "Skip"), ("once", "Once")], default="once", max_length=4
                    ),
                ),
                ("grace_seconds", models.PositiveIntegerField(default=900)),
                ("inputs", executions.fields.ExactJSONField(default=dict)),
                ("secret_inputs", executions.fields.EncryptedJSONField(default=dict)),
                ("is_on", models.BooleanField(default=True)),
                ("switched_by", models.CharField(blank=True, max_length=150)),
                ("switched_at", models.DateTimeField(null=True)),
                ("revision", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("changed_at", models.DateTimeField(auto_now=True)),
                ("next_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("last_at", models.DateTimeField(null=True)),
                ("problem", models.TextField(blank=True)),
                ("problem_at", models.DateTimeField(null=True)),
                (
                    "flow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="flows.flow",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="flows.flowversion",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False), ("is_on", True)),
                        fields=["due_at"],
                        name="schedule_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"),
                        models.F("flow"),
                        name="schedule_name_unique",
                        violation_error_message="The flow has a schedule of this name already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("starts_on", None),
                            ("ends_on", None),
                            ("ends_on__gte", models.F("starts_on")),
                            _connector="OR",
                        ),
                        name="schedule_ends_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SchedulePause",
            fields=[
                ("id", models.BooleanField(default=True, primary_key=True, serialize=False)),
                ("is_paused", models.BooleanField(default=False)),
                ("changed_at", models.DateTimeField()),
                ("changed_by", models.CharField(blank=True, max_length=150)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", True)), name="schedule_pause_one_row"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ScheduleRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("scheduled_at", models.DateTimeField()),
                ("at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("started", "Started"),
                            ("waiting", "Waiting"),
                            ("skipped", "Skipped"),
                            ("missed", "Missed"),
                            ("failed", "Failed to start"),
                        ],
                        max_length=7,
                    ),
                ),
                ("detail", models.TextField(blank=True)),
                ("times", models.PositiveIntegerField(default=1)),
                ("execution_id", models.UUIDField(null=True)),
                ("started_by", models.CharField(blank=True, max_length=150)),
                (
                    "schedule",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="executions.schedule",
                    ),
                ),
            ],
            options={
                "ordering": ["-scheduled_at", "-id"],
                "indexes": [
                    models.Index(
                        fields=["schedule", "-scheduled_at", "-id"], name="schedule_run_by_time"
                    ),
                    models.Index(
                        condition=models.Q(("outcome", "waiting")),
                        fields=["schedule"],
                        name="schedule_run_waiting",
                    ),
                    models.Index(fields=["at"], name="schedule_run_by_age"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("started_by", "")),
                        fields=("schedule", "scheduled_at"),
                        name="schedule_run_once_a_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Semaphore",
            fields=[
                ("path", models.TextField(primary_key=True, serialize=False)),
                ("concurrency_limit", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("concurrency_limit__gte", 1)),
                        name="semaphore_lets_somebody_in",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SemaphoreTicket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("level", models.PositiveSmallIntegerField()),
                ("block", models.CharField(max_length=200)),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("waiting", "Waits in the queue"),
                            ("granted", "May go on"),
                            ("held", "Holds it"),
                        ],
                        max_length=7,
                    ),
                ),
                ("priority", models.IntegerField(default=0)),
                ("at", models.DateTimeField()),
                (
                    "execution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tickets",
                        to="executions.execution",
                    ),
                ),
                (
                    "semaphore",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tickets",
                        to="executions.semaphore",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["semaphore", "stage", "priority", "id"], name="ticket_queue"
                    ),
                    models.Index(
                        condition=models.Q(("stage", "granted")),
                        fields=["execution"],
                        name="ticket_granted",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("execution", "level"), name="ticket_of_a_token"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("stage__in", ["waiting", "granted", "held"])),
                        name="ticket_stage_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SentForm",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("form", models.CharField(max_length=64)),
                ("at", models.DateTimeField(db_index=True)),
                ("answer", models.JSONField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("user", "form"), name="sent_form_once_a_user")
                ],
            },
        ),
        migrations.CreateModel(
            name="ShareLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("start", models.CharField(max_length=12)),
                (
                    "masked",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=120),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "execution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="share_links",
                        to="executions.execution",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="StatisticsSeries",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("all", "All executions"),
                            ("flow", "A flow"),
                            ("version", "A version, by one trigger"),
                            ("failure", "A failure"),
                        ],
                        max_length=7,
                    ),
                ),
                ("trigger", models.CharField(blank=True, default="", max_length=12)),
                ("failure", models.UUIDField(null=True)),
                ("complete_from", models.DateTimeField(null=True)),
                ("quarters_until", models.DateTimeField(null=True)),
                ("days_until", models.DateTimeField(null=True)),
                (
                    "flow",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="flows.flow",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="flows.flowversion",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "statistics series",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("level", "all")),
                        fields=("level",),
                        name="statistics_of_all",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("level", "flow")),
                        fields=("flow",),
                        name="statistics_of_flow",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("level", "version")),
                        fields=("version", "trigger"),
                        name="statistics_of_version",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("level", "failure")),
                        fields=("failure",),
                        name="statistics_of_failure",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatisticsTotal",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "series_id",
                        "until",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("until", models.DateTimeField()),
                ("started", models.BigIntegerField()),
                ("ended", models.BigIntegerField()),
                ("unhandled", models.BigIntegerField()),
                ("errors", models.BigIntegerField()),
                ("stopped", models.BigIntegerField()),
                ("durations", models.BinaryField()),
                ("waits", models.BinaryField()),
                (
                    "series",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="totals",
                        to="executions.statisticsseries",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "execution_id",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("number", models.BigIntegerField()),
                ("level", models.PositiveSmallIntegerField()),
                ("block", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("duration", models.BigIntegerField(help_text="Microseconds.")),
                ("port", models.CharField(blank=True, max_length=9)),
                ("changes", executions.fields.ExactJSONField(null=True)),
                ("exception", models.CharField(blank=True, max_length=200)),
                (
                    "execution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="executions.execution",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Token",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "execution_id",
                        "level",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("level", models.PositiveSmallIntegerField()),
                ("workspace", models.CharField(blank=True, max_length=200)),
                ("block", models.CharField(max_length=200)),
                ("state", executions.fields.PartlyEncryptedJSONField(default=dict)),
                (
                    "execution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to="executions.execution",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TrimmedChange",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "execution_id",
                        "block",
                        "name",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("block", models.CharField(max_length=200)),
                ("name", models.CharField(max_length=220)),
                ("number", models.BigIntegerField()),
                ("change", executions.fields.ExactJSONField()),
                (
                    "execution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="trimmed_changes",
                        to="executions.execution",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TrimmedVisits",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "execution_id",
                        "block",
                        "port",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("block", models.CharField(max_length=200)),
                ("port", models.CharField(blank=True, max_length=9)),
                ("visits", models.BigIntegerField()),
                ("last", models.BigIntegerField(null=True)),
                (
                    "execution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="trimmed",
                        to="executions.execution",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Value",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "execution_id",
                        "level",
                        "name",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("level", models.PositiveSmallIntegerField()),
                ("name", models.CharField(max_length=220)),
                ("value", executions.fields.ExactJSONField(null=True)),
                ("secret", executions.fields.EncryptedJSONField(null=True)),
                (
                    "execution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="values",
                        to="executions.execution",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Watch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("read_revision", models.BigIntegerField()),
                ("is_told", models.BooleanField(db_default=False, default=False)),
                (
                    "execution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="watches",
                        to="executions.execution",
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
            ],
            options={
                "verbose_name_plural": "watches",
                "constraints": [
                    models.UniqueConstraint(fields=("user", "execution"), name="watch_once_a_user")
                ],
            },
        ),
        migrations.CreateModel(
            name="Webhook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                (
                    "key",
                    models.CharField(
                        default=executions.models.webhooks.new_webhook_key,
                        editable=False,
                        max_length=43,
                        unique=True,
                    ),
                ),
                (
                    "scheme",
                    models.CharField(
                        choices=[
                            ("standard", "Standard Webhooks signature"),
                            ("github", "GitHub's signature (X-Hub-Signature-256)"),
                            ("token", "Token in a header"),
                            ("address", "The address alone"),
                        ],
                        default="standard",
                        max_length=8,
                    ),
                ),
                (
                    "token_header",
                    models.CharField(
                        default="Authorization",
                        max_length=80,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9-]+\\Z", "Enter the name of a header."
                            )
                        ],
                    ),
                ),
                (
                    "secret",
                    executions.fields.EncryptedTextField(
                        blank=True, default=executions.models.webhooks.new_webhook_secret
                    ),
                ),
                ("old_secret", executions.fields.EncryptedTextField(blank=True)),
                ("old_secret_until", models.DateTimeField(null=True)),
                ("condition", models.TextField(blank=True, max_length=4000)),
                ("message_id", models.TextField(blank=True, max_length=4000)),
                ("inputs", executions.fields.ExactJSONField(default=dict)),
                ("secret_inputs", executions.fields.EncryptedJSONField(default=dict)),
                (
                    "answer",
                    models.CharField(
                        choices=[
                            ("at-once", "At once, with the id of the execution"),
                            ("outputs", "With the outputs, once the execution has ended"),
                        ],
                        default="at-once",
                        max_length=7,
                    ),
                ),
                (
                    "wait_seconds",
                    models.PositiveSmallIntegerField(
                        default=30,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(60),
                        ],
                    ),
                ),
                (
                    "requests_a_minute",
                    models.PositiveIntegerField(
                        default=60,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(6000),
                        ],
                    ),
                ),
                ("is_on", models.BooleanField(default=True)),
                ("revision", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "flow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="webhooks",
                        to="flows.flow",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"),
                        models.F("flow"),
                        name="webhook_name_unique",
                        violation_error_message="The flow has a webhook of this name already.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                ("at", models.DateTimeField(db_index=True)),
                ("execution_id", models.UUIDField(null=True)),
                (
                    "webhook",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="executions.webhook",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("webhook", "digest"), name="webhook_message_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=executions.models.execution.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("address", models.GenericIPAddressField(null=True)),
                ("method", models.CharField(max_length=10)),
                ("content", executions.fields.EncryptedJSONField(default=dict)),
                ("size", models.PositiveIntegerField(default=0)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("started", "Started"),
                            ("repeated", "Came before"),
                            ("unmatched", "Did not match"),
                            ("refused", "Refused"),
                            ("failed", "Failed to start"),
                        ],
                        max_length=9,
                    ),
                ),
                ("why", models.TextField(blank=True)),
                ("status", models.PositiveSmallIntegerField(help_text="The status of the answer.")),
                ("execution_id", models.UUIDField(null=True)),
                ("replayed_by", models.CharField(blank=True, max_length=150)),
                (
                    "webhook",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="requests",
                        to="executions.webhook",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["webhook", "-id"], name="webhook_request_by_webhook")
                ],
            },
        ),
        migrations.RunSQL(LEXEME_STATISTICS, "DROP STATISTICS execution_lexemes"),
        migrations.RunSQL(JOURNAL, migrations.RunSQL.noop),
        migrations.RunSQL(INSERTED + CLAIMED + ENDED + MOVED + DELETED, NOT_COUNTED),
        migrations.RunSQL(AUDIT_IS_KEPT, AUDIT_IS_CHANGED),
    ]
