from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("flows", "0009_folders_hold_no_circle"),
    ]

    operations = [
        migrations.AddField(
            model_name="flow",
            name="duration_limit_minutes",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How many minutes an execution of this flow should take at most. Alert "
                "rules tell when one takes longer; it goes on all the same.",
                null=True,
            ),
        ),
    ]
