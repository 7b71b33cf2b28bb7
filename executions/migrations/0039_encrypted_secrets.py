"""Secrets are stored encrypted: those of channels from now on, those of executions when they are
written. `manage.py rotate_encryption` encrypts those that were stored before."""

from typing import Any

from django.db import migrations

import executions.fields
import executions.models.alerts


def encrypt_channels(apps: Any, schema_editor: Any) -> None:
    for channel in apps.get_model("executions", "AlertChannel").objects.all():
        channel.save(update_fields=["address", "secret", "old_secret"])


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0038_audit_indexes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="alertchannel",
            name="address",
            field=executions.fields.EncryptedTextField(),
        ),
        migrations.AlterField(
            model_name="alertchannel",
            name="old_secret",
            field=executions.fields.EncryptedTextField(blank=True),
        ),
        migrations.AlterField(
            model_name="alertchannel",
            name="secret",
            field=executions.fields.EncryptedTextField(
                blank=True, default=executions.models.alerts.new_secret
            ),
        ),
        migrations.AlterField(
            model_name="bulkjob",
            name="fields",
            field=executions.fields.EncryptedJSONField(default=dict),
        ),
        migrations.AlterField(
            model_name="execution",
            name="secrets",
            field=executions.fields.EncryptedJSONField(null=True),
        ),
        migrations.AlterField(
            model_name="token",
            name="state",
            field=executions.fields.PartlyEncryptedJSONField(default=dict),
        ),
        migrations.AlterField(
            model_name="value",
            name="secret",
            field=executions.fields.EncryptedJSONField(null=True),
        ),
        migrations.RunPython(encrypt_channels, migrations.RunPython.noop),
    ]
