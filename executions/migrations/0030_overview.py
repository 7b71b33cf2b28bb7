"""Samples of what is under way, and the overview as a start page."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0029_failure_revisions"),
    ]

    operations = [
        migrations.AddField(
            model_name="preferences",
            name="starts_at_overview",
            field=models.BooleanField(db_default=False, default=False),
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
    ]
