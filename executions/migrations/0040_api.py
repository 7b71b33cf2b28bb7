"""What the HTTP API remembers, and the executions that it starts."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0039_encrypted_secrets"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
                ],
                max_length=12,
            ),
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
    ]
