"""The index by which the audit trail finds an object by its name, made without a lock."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("executions", "0045_share_links")]

    operations = [
        AddIndexConcurrently(
            "auditentry",
            models.Index(
                fields=["object_kind", "object_name", "-at", "-id"],
                name="audit_by_object_name",
                condition=~Q(object_kind=""),
            ),
        ),
    ]
