"""Failures have groups, with what people do about them. `manage.py group_failures` makes those of
executions that failed before.

Who may control every execution may handle failures too.
"""

from typing import Any

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

CONTROL, HANDLE = "control_execution", "handle_failure"


def allow_handling(apps: Any, schema_editor: Any) -> None:
    """Give the new permission to everyone, and every group, with the one to control executions.

    Django makes permissions after all migrations, so it is made here.
    """
    content_types = apps.get_model("contenttypes", "ContentType").objects
    permissions = apps.get_model("auth", "Permission").objects
    control = permissions.filter(codename=CONTROL, content_type__app_label="executions").first()
    if control is None:
        return  # a new database: nobody has anything yet
    kind, _ = content_types.get_or_create(app_label="executions", model="failuregroup")
    handle, _ = permissions.get_or_create(
        content_type=kind,
        codename=HANDLE,
        defaults={"name": "Can own, mute and resolve failures"},
    )
    for group in control.group_set.all():
        group.permissions.add(handle)
    for user in control.user_set.all():
        user.user_permissions.add(handle)


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0024_statistics"),
        ("flows", "0007_wording"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FailureWatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "failure watches",
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
            },
        ),
        migrations.AddField(
            model_name="auditentry",
            name="failure",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="audit",
                to="executions.failuregroup",
            ),
        ),
        migrations.AddField(
            model_name="failurewatch",
            name="group",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="watches",
                to="executions.failuregroup",
            ),
        ),
        migrations.AddField(
            model_name="failurewatch",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="failuregroup",
            index=models.Index(fields=["state", "-last_seen_at", "id"], name="failure_by_state"),
        ),
        migrations.AddIndex(
            model_name="failuregroup",
            index=models.Index(fields=["-last_seen_at", "id"], name="failure_by_time"),
        ),
        migrations.AddIndex(
            model_name="failuregroup",
            index=models.Index(
                condition=models.Q(("is_known", False)), fields=["id"], name="failure_unknown"
            ),
        ),
        migrations.AddIndex(
            model_name="failuregroup",
            index=models.Index(
                condition=models.Q(("muted_until__isnull", False)),
                fields=["muted_until"],
                name="failure_muted_until",
            ),
        ),
        migrations.AddConstraint(
            model_name="failuregroup",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "regressed", "muted", "resolved"])),
                name="failure_state_known",
            ),
        ),
        migrations.AddIndex(
            model_name="failureactivity",
            index=models.Index(fields=["group", "-id"], name="failure_activity_by_group"),
        ),
        migrations.AddConstraint(
            model_name="failurewatch",
            constraint=models.UniqueConstraint(
                fields=("user", "group"), name="failure_watch_once_a_user"
            ),
        ),
        migrations.RunPython(allow_handling, migrations.RunPython.noop),
    ]
