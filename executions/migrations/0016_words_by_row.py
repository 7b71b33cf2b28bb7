"""The words of one text are told apart without a function (`executions.grid.conditions.Parted`)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("executions", "0015_bulk_jobs_fail_and_have_an_order")]

    operations = [
        migrations.RunSQL("DROP FUNCTION IF EXISTS executions_words(text)", migrations.RunSQL.noop),
    ]
