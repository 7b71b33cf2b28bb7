"""Statistics: triggers write what happens to executions to a journal, from which running totals
grow. What happened before is counted when the journal is folded for the first time.
"""

import django.db.models.deletion
from django.db import migrations, models

# Scalars only: a row that is passed to a function brings all its large values along. `sign` is -1
# in a version that an execution has left. One that was stopped says nothing about how long it would
# have taken.
NOTE_CLAIM = """
CREATE FUNCTION executions_note_claim(
    version_id bigint, trigger text, started_at timestamptz, at timestamptz, sign integer
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO executions_statisticsevent (at, version_id, trigger, kind, sign, microseconds)
    VALUES (
        $4, $1, $2, 'claimed', $5, extract(epoch FROM $4 - $3) * 1000000
    );
END $$;
"""
NOTE_END = """
CREATE FUNCTION executions_note_end(
    version_id bigint, trigger text, started_at timestamptz, at timestamptz, sign integer,
    status text, unhandled boolean, failure uuid
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO executions_statisticsevent
        (at, version_id, trigger, kind, sign, microseconds, failure)
    VALUES (
        $4, $1, $2, CASE WHEN $7 THEN 'unhandled' ELSE lower($6) END, $5,
        CASE WHEN $6 <> 'Stopped' THEN extract(epoch FROM $4 - $3) * 1000000 END,
        CASE WHEN $7 OR $6 = 'Error' THEN $8 END
    );
END $$;
"""
INSERTED = """
CREATE FUNCTION executions_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO executions_statisticsevent (at, version_id, trigger, kind, sign)
    VALUES (NEW.started_at, NEW.version_id, NEW.trigger, 'started', 1);
    IF NEW.first_claimed_at IS NOT NULL THEN
        PERFORM executions_note_claim(
            NEW.version_id, NEW.trigger, NEW.started_at, NEW.first_claimed_at, 1);
    END IF;
    IF NEW.ended_at IS NOT NULL THEN
        PERFORM executions_note_end(
            NEW.version_id, NEW.trigger, NEW.started_at, NEW.ended_at, 1,
            NEW.status, NEW.unhandled, NEW.failure);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER execution_inserted AFTER INSERT ON executions_execution
    FOR EACH ROW EXECUTE FUNCTION executions_inserted();
"""
CHANGED = """
CREATE FUNCTION executions_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.first_claimed_at IS NULL AND NEW.first_claimed_at IS NOT NULL THEN
        PERFORM executions_note_claim(
            NEW.version_id, NEW.trigger, NEW.started_at, NEW.first_claimed_at, 1);
    END IF;
    IF OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL THEN
        PERFORM executions_note_end(
            NEW.version_id, NEW.trigger, NEW.started_at, NEW.ended_at, 1,
            NEW.status, NEW.unhandled, NEW.failure);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER execution_changed
    AFTER UPDATE OF first_claimed_at, ended_at ON executions_execution
    FOR EACH ROW WHEN (
        (OLD.first_claimed_at IS NULL AND NEW.first_claimed_at IS NOT NULL)
        OR (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    ) EXECUTE FUNCTION executions_changed();
"""
# What has ended meanwhile, in the same statement, `execution_changed` has written already.
MOVED = """
CREATE FUNCTION executions_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO executions_statisticsevent (at, version_id, trigger, kind, sign) VALUES
        (OLD.started_at, OLD.version_id, OLD.trigger, 'started', -1),
        (OLD.started_at, NEW.version_id, OLD.trigger, 'started', 1);
    IF OLD.first_claimed_at IS NOT NULL THEN
        PERFORM executions_note_claim(
            OLD.version_id, OLD.trigger, OLD.started_at, OLD.first_claimed_at, -1);
        PERFORM executions_note_claim(
            NEW.version_id, OLD.trigger, OLD.started_at, OLD.first_claimed_at, 1);
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
DROPPED = """
DROP TRIGGER execution_deleted ON executions_execution;
DROP TRIGGER execution_moved ON executions_execution;
DROP TRIGGER execution_changed ON executions_execution;
DROP TRIGGER execution_inserted ON executions_execution;
DROP FUNCTION executions_deleted();
DROP FUNCTION executions_moved();
DROP FUNCTION executions_changed();
DROP FUNCTION executions_inserted();
DROP FUNCTION executions_note_end(
    bigint, text, timestamptz, timestamptz, integer, text, boolean, uuid);
DROP FUNCTION executions_note_claim(bigint, text, timestamptz, timestamptz, integer);
"""
# The journal has no index. Its rows soon go, so it is vacuumed often and its room is used again.
JOURNAL = """
ALTER TABLE executions_statisticsevent DROP CONSTRAINT executions_statisticsevent_pkey;
ALTER TABLE executions_statisticsevent SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_threshold = -1
);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0023_worker_limits"),
        ("flows", "0007_wording"),
    ]

    operations = [
        migrations.CreateModel(
            name="StatisticsEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("version_id", models.BigIntegerField()),
                ("trigger", models.CharField(max_length=12)),
                ("kind", models.CharField(max_length=9)),
                ("sign", models.SmallIntegerField()),
                ("microseconds", models.BigIntegerField(null=True)),
                ("failure", models.UUIDField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="execution",
            name="first_claimed_at",
            field=models.DateTimeField(null=True),
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
        migrations.AddConstraint(
            model_name="statisticsseries",
            constraint=models.UniqueConstraint(
                condition=models.Q(("level", "all")), fields=("level",), name="statistics_of_all"
            ),
        ),
        migrations.AddConstraint(
            model_name="statisticsseries",
            constraint=models.UniqueConstraint(
                condition=models.Q(("level", "flow")), fields=("flow",), name="statistics_of_flow"
            ),
        ),
        migrations.AddConstraint(
            model_name="statisticsseries",
            constraint=models.UniqueConstraint(
                condition=models.Q(("level", "version")),
                fields=("version", "trigger"),
                name="statistics_of_version",
            ),
        ),
        migrations.AddConstraint(
            model_name="statisticsseries",
            constraint=models.UniqueConstraint(
                condition=models.Q(("level", "failure")),
                fields=("failure",),
                name="statistics_of_failure",
            ),
        ),
        migrations.RunSQL(JOURNAL, migrations.RunSQL.noop),
        migrations.RunSQL(NOTE_CLAIM + NOTE_END + INSERTED + CHANGED + MOVED + DELETED, DROPPED),
    ]
