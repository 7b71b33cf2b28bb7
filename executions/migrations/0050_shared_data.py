"""Data Storage, signals, and who waits for either."""

import django.db.models.deletion
from django.db import migrations, models

import executions.fields


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0049_questions"),
    ]

    operations = [
        migrations.AlterField(
            model_name="execution",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", ""),
                    ("children", "children"),
                    ("time", "time"),
                    ("semaphore", "semaphore"),
                    ("person", "person"),
                    ("storage", "storage"),
                    ("signal", "signal"),
                    ("limit", "limit"),
                ],
                default="",
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="Signal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("value", executions.fields.ExactJSONField(null=True)),
                ("secret", executions.fields.EncryptedJSONField(null=True)),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=150)),
                ("by_execution_id", models.UUIDField(null=True)),
                ("name", models.CharField(db_collation="C", max_length=200)),
                ("key", models.CharField(blank=True, db_collation="C", max_length=500)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["name", "key", "id"], name="signal_line"),
                    models.Index(fields=["at"], name="signal_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="StorageCollection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("scope", models.TextField(db_collation="C")),
                ("name", models.CharField(max_length=200)),
                ("folded_name", models.TextField(db_collation="C")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "collection of Data Storage",
                "verbose_name_plural": "collections of Data Storage",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("folded_name", "scope"), name="storage_collection_name"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StorageItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("value", executions.fields.ExactJSONField(null=True)),
                ("secret", executions.fields.EncryptedJSONField(null=True)),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=150)),
                ("by_execution_id", models.UUIDField(null=True)),
                ("key", models.CharField(db_collation="C", max_length=500)),
                (
                    "collection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="executions.storagecollection",
                    ),
                ),
            ],
            options={
                "verbose_name": "item of Data Storage",
                "verbose_name_plural": "items of Data Storage",
                "constraints": [
                    models.UniqueConstraint(fields=("collection", "key"), name="storage_item_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="Waiter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("scope", models.TextField(blank=True, db_collation="C")),
                ("name", models.TextField(db_collation="C")),
                ("key", models.CharField(db_collation="C", max_length=500, null=True)),
                ("condition", models.CharField(blank=True, max_length=20)),
                ("value", executions.fields.EncryptedJSONField(null=True)),
                ("at", models.DateTimeField()),
                ("ready_at", models.DateTimeField(null=True)),
                ("answer", executions.fields.EncryptedJSONField(null=True)),
                (
                    "execution",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="waiter",
                        to="executions.execution",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["name", "scope", "key", "id"], name="waiter_line"),
                    models.Index(
                        condition=models.Q(("ready_at__isnull", False)),
                        fields=["execution"],
                        name="waiter_ready",
                    ),
                ],
            },
        ),
    ]
