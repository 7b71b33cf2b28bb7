"""Bulk jobs keep a result for each execution, can be suspended, and can be paced."""

from django.db import migrations, models

STATUSES = [
    "queued",
    "running",
    "suspending",
    "suspended",
    "cancelling",
    "cancelled",
    "done",
    "failed",
]


class Migration(migrations.Migration):
    dependencies = [("executions", "0035_retry_indexes")]

    operations = [
        migrations.RenameModel("BulkRefusal", "BulkResult"),
        migrations.RenameField("bulkresult", "reason", "detail"),
        migrations.AlterField("bulkresult", "detail", models.TextField(blank=True)),
        migrations.AlterField(
            "bulkresult",
            "job",
            models.ForeignKey(
                db_index=False,
                on_delete=models.CASCADE,
                related_name="results",
                to="executions.bulkjob",
            ),
        ),
        migrations.AddField(
            "bulkresult",
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
        migrations.AddField("bulkresult", "started_as", models.UUIDField(null=True)),
        migrations.RenameIndex("bulkresult", "bulk_result_of_job", old_name="bulk_refusal_of_job"),
        migrations.AddIndex(
            "bulkresult",
            models.Index(fields=["job", "outcome", "id"], name="bulk_result_by_outcome"),
        ),
        migrations.AddField("bulkjob", "at_a_time", models.PositiveSmallIntegerField(null=True)),
        migrations.AddField(
            "bulkjob", "stop_after", models.PositiveSmallIntegerField(db_default=0, default=0)
        ),
        migrations.AddField(
            "bulkjob", "one_first", models.BooleanField(db_default=False, default=False)
        ),
        migrations.AddField(
            "bulkjob", "ended_well", models.PositiveIntegerField(db_default=0, default=0)
        ),
        migrations.AddField(
            "bulkjob", "failed", models.PositiveIntegerField(db_default=0, default=0)
        ),
        migrations.AddField(
            "bulkjob", "failed_in_row", models.PositiveIntegerField(db_default=0, default=0)
        ),
        migrations.AlterField(
            "bulkjob",
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
        migrations.RemoveConstraint("bulkjob", "bulk_job_status_known"),
        migrations.AddConstraint(
            "bulkjob",
            models.CheckConstraint(
                condition=models.Q(status__in=STATUSES), name="bulk_job_status_known"
            ),
        ),
    ]
