"""Variables may be secret."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("flows", "0003_notes")]

    operations = [
        migrations.AddField(
            "variable",
            "is_secret",
            models.BooleanField(
                default=False,
                db_default=False,
                help_text="What it holds is shown to nobody; then it has no default "
                "(docs/secrets.md).",
            ),
        ),
    ]
