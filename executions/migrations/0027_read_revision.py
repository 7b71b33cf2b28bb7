"""What a watch says of its notifications is how far they are read."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("executions", "0026_audit_of_failures")]

    operations = [migrations.RenameField("watch", "told_revision", "read_revision")]
