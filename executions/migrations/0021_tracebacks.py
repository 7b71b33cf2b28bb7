"""Where the code failed, of exceptions that are defects."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("executions", "0020_debugging_takes_a_permission")]

    operations = [
        migrations.AddField(
            "exceptionrecord",
            "traceback",
            models.TextField(blank=True, default="", db_default=""),
        ),
    ]
