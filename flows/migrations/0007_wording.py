"""Help texts and messages in plainer words; the tables stay as they are."""

from django.core.validators import RegexValidator
from django.db import migrations, models

flow_name = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
    "Use letters, digits, hyphens, underscores and dots, starting with a letter or digit.",
)
block_key = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*$",
    "Use letters, digits, hyphens and underscores, with a slash between nested workspaces.",
)
variable_name = RegexValidator(
    r"^[A-Za-z][A-Za-z0-9_]*$",
    "Use letters, digits and underscores, starting with a letter.",
)


class Migration(migrations.Migration):
    dependencies = [("flows", "0006_limited_flows")]

    operations = [
        migrations.AlterField(
            model_name="block",
            name="key",
            field=models.CharField(max_length=200, validators=[block_key]),
        ),
        migrations.AlterField(
            model_name="flow",
            name="name",
            field=models.CharField(max_length=120, unique=True, validators=[flow_name]),
        ),
        migrations.AlterField(
            model_name="flow",
            name="worker_limit",
            field=models.PositiveIntegerField(
                blank=True,
                null=True,
                help_text="How many executions of this flow may hold a worker at once; 0 for no "
                "limit. When it is empty, the setting WORKERS_PER_FLOW applies.",
            ),
        ),
        migrations.AlterField(
            model_name="variable",
            name="is_secret",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Its value is never shown. A secret variable has no default "
                "(docs/secrets.md).",
            ),
        ),
        migrations.AlterField(
            model_name="variable",
            name="name",
            field=models.CharField(max_length=120, validators=[variable_name]),
        ),
        migrations.AlterField(
            model_name="variable",
            name="type",
            field=models.CharField(
                blank=True,
                max_length=12,
                choices=[
                    (name, name)
                    for name in (
                        "Text",
                        "Integer",
                        "Number",
                        "Boolean",
                        "Date Time",
                        "List",
                        "Structure",
                    )
                ],
                help_text="What the start form asks for. When it is empty, any JSON value.",
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="key",
            field=models.CharField(blank=True, max_length=200, validators=[block_key]),
        ),
    ]
