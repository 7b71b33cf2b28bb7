"""The API token with which a bulk job was asked for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0051_data_storage_rights"),
    ]

    operations = [
        migrations.AddField(
            model_name="bulkjob",
            name="token_id",
            field=models.BigIntegerField(null=True),
        ),
    ]
