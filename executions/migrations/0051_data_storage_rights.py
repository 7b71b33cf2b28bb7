"""The flow of a collection of Data Storage, and who may send signals."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0050_shared_data"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="signal",
            options={"permissions": [("send_signal", "Can send signals")]},
        ),
        migrations.AddField(
            model_name="storagecollection",
            name="flow_name",
            field=models.CharField(
                blank=True, db_collation="C", db_default="", default="", max_length=120
            ),
        ),
    ]
