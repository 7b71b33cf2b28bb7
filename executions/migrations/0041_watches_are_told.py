from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0040_api"),
    ]

    operations = [
        migrations.AddField(
            model_name="watch",
            name="is_told",
            field=models.BooleanField(db_default=False, default=False),
        ),
        # Of what has ended before, people were told as it was then.
        migrations.RunSQL(
            "UPDATE executions_watch SET is_told = true"
            " FROM executions_execution WHERE executions_execution.id = execution_id"
            " AND ended_at IS NOT NULL",
            migrations.RunSQL.noop,
        ),
    ]
