"""Schedules, what became of their times, and which one has started an execution."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import executions.fields


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0041_watches_are_told"),
        ("flows", "0010_duration_limit"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
            ],
            options={
                "ordering": ["name", "id"],
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
                ("execution_id", models.UUIDField(null=True)),
                ("times", models.PositiveIntegerField(default=1)),
                ("started_by", models.CharField(blank=True, max_length=150)),
            ],
            options={
                "ordering": ["-scheduled_at", "-id"],
            },
        ),
        migrations.AddField(
            model_name="execution",
            name="schedule_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="execution",
            name="trigger",
            field=models.CharField(
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
                ],
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="schedule",
            name="flow",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="flows.flow"
            ),
        ),
        migrations.AddField(
            model_name="schedule",
            name="owner",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="schedule",
            name="version",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="flows.flowversion",
            ),
        ),
        migrations.AddConstraint(
            model_name="schedulepause",
            constraint=models.CheckConstraint(
                condition=models.Q(("id", True)), name="schedule_pause_one_row"
            ),
        ),
        migrations.AddField(
            model_name="schedulerun",
            name="schedule",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="runs",
                to="executions.schedule",
            ),
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False), ("is_on", True)),
                fields=["due_at"],
                name="schedule_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("name"),
                models.F("flow"),
                name="schedule_name_unique",
                violation_error_message="The flow has a schedule of this name already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("starts_on", None),
                    ("ends_on", None),
                    ("ends_on__gte", models.F("starts_on")),
                    _connector="OR",
                ),
                name="schedule_ends_after_start",
            ),
        ),
        migrations.AddIndex(
            model_name="schedulerun",
            index=models.Index(
                fields=["schedule", "-scheduled_at", "-id"], name="schedule_run_by_time"
            ),
        ),
        migrations.AddIndex(
            model_name="schedulerun",
            index=models.Index(
                condition=models.Q(("outcome", "waiting")),
                fields=["schedule"],
                name="schedule_run_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="schedulerun",
            index=models.Index(fields=["at"], name="schedule_run_by_age"),
        ),
        migrations.AddConstraint(
            model_name="schedulerun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("started_by", "")),
                fields=("schedule", "scheduled_at"),
                name="schedule_run_once_a_time",
            ),
        ),
    ]
