"""Indexes for each filter of the audit trail, made without a lock."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("executions", "0037_api_tokens_and_audit")]

    operations = [
        AddIndexConcurrently(
            "auditentry", models.Index(fields=["-at", "-id"], name="audit_by_time")
        ),
        AddIndexConcurrently(
            "auditentry", models.Index(fields=["user", "-at", "-id"], name="audit_by_user")
        ),
        AddIndexConcurrently(
            "auditentry", models.Index(fields=["actor", "-at", "-id"], name="audit_by_actor")
        ),
        AddIndexConcurrently(
            "auditentry", models.Index(fields=["command", "-at", "-id"], name="audit_by_command")
        ),
        AddIndexConcurrently(
            "auditentry", models.Index(fields=["source", "-at", "-id"], name="audit_by_source")
        ),
        AddIndexConcurrently(
            "auditentry", models.Index(fields=["flow_name", "-at", "-id"], name="audit_by_flow")
        ),
        AddIndexConcurrently(
            "auditentry",
            models.Index(
                condition=~Q(object_kind=""),
                fields=["object_kind", "object_id", "-at", "-id"],
                name="audit_by_object",
            ),
        ),
        AddIndexConcurrently(
            "auditentry",
            models.Index(
                condition=Q(outcome="refused"), fields=["-at", "-id"], name="audit_refused"
            ),
        ),
    ]
