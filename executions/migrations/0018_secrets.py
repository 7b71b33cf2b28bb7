"""What an execution keeps to itself, beside what is shown of it."""

from django.db import migrations

import executions.fields


class Migration(migrations.Migration):
    dependencies = [("executions", "0017_found_when_unleased")]

    operations = [
        migrations.AddField("execution", "secrets", executions.fields.ExactJSONField(null=True)),
        migrations.AddField("value", "secret", executions.fields.ExactJSONField(null=True)),
    ]
