"""Statistics: triggers write what happens to executions to a journal, from which running totals
grow. What happened before is counted when the journal is folded for the first time.
"""

import django.db.models.deletion
from django.db import migrations, models

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
DROPPED = """
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
                ("since", models.DateTimeField(null=True)),
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
        migrations.RunSQL(INSERTED + CLAIMED + ENDED + MOVED + DELETED, DROPPED),
    ]
