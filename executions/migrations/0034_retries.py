"""Executions know what became of their retries. What was retried before learns it here: the index
of retries finds those few."""

from django.db import migrations, models

KNOWN = r"""
WITH RECURSIVE chain AS (
    SELECT id AS retry, origin_id AS id FROM executions_execution
    WHERE origin_id IS NOT NULL AND trigger = 'retry'
    UNION
    SELECT chain.retry, origin.origin_id FROM chain
    JOIN executions_execution origin ON origin.id = chain.id
    WHERE origin.origin_id IS NOT NULL AND origin.trigger = 'retry'
), newest AS (
    SELECT DISTINCT ON (chain.id) chain.id AS origin, retry.id AS retry, CASE
        WHEN retry.ended_at IS NULL THEN 'live'
        WHEN retry.status = 'Stopped' THEN 'stopped'
        WHEN retry.status = 'Ended' AND NOT retry.unhandled THEN 'ended'
        ELSE 'failed'
    END AS state
    FROM chain JOIN executions_execution retry ON retry.id = chain.retry
    ORDER BY chain.id, (retry.status = 'Ended' AND NOT retry.unhandled) DESC, retry.id DESC
)
UPDATE executions_execution SET
    retried_as = newest.retry, retry_state = newest.state, revision = revision + 1
FROM newest WHERE id = newest.origin;
"""
STATES = [
    ("", ""),
    ("live", "live"),
    ("ended", "ended"),
    ("failed", "failed"),
    ("stopped", "stopped"),
]


class Migration(migrations.Migration):
    dependencies = [("executions", "0033_last_worker")]

    operations = [
        migrations.AddField("execution", "retried_as", models.UUIDField(null=True)),
        migrations.AddField(
            "execution",
            "retry_state",
            models.CharField(blank=True, choices=STATES, db_default="", default="", max_length=7),
        ),
        migrations.AlterField(
            "execution",
            "trigger",
            models.CharField(
                choices=[
                    ("page", "Started on a page"),
                    ("command line", "Started on the command line"),
                    ("parent", "Started by a parent flow"),
                    ("task", "Started by a parent flow, which goes on beside it"),
                    ("demo", "Started by the demo"),
                    ("retry", "Tried again"),
                    ("again", "Run again, with inputs of its own"),
                ],
                max_length=12,
            ),
        ),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
    ]
