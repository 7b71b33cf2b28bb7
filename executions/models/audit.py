"""The audit trail."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from executions.models.execution import Execution
from executions.models.failures import FailureGroup


class AuditEntry(models.Model):
    """Something that was done, or refused: who, when, from where, to what, with what outcome.

    A trigger in the database refuses to change or delete entries; only the retention of the audit
    trail deletes those that are old enough (migration 0037). So an entry outlives what it is about,
    and keeps the ids: its foreign keys have no constraint, and nothing happens to them.

    Sign-ins and what else concerns an account (`ACCOUNT`) have entries without an execution.
    """

    #: The commands on an account.
    ACCOUNT = (
        "sign-in",
        "change-password",
        "reset-password",
        "confirm",
        "second-factor",
        "end-session",
        "link-account",
        "follow-groups",
    )

    class Outcome(models.TextChoices):
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"

    at = models.DateTimeField(default=timezone.now)
    execution = models.ForeignKey(
        Execution, on_delete=models.DO_NOTHING, null=True, related_name="audit", db_constraint=False
    )
    failure = models.ForeignKey(
        FailureGroup,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="audit",
        db_index=False,
        db_constraint=False,
    )
    flow_name = models.CharField(max_length=120)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    actor = models.CharField(max_length=150)
    #: The name of the API token with which the actor came; empty without one.
    token = models.CharField(max_length=80, blank=True, db_default="")
    command = models.CharField(max_length=40)
    source = models.CharField(max_length=20)
    address = models.GenericIPAddressField(null=True)
    outcome = models.CharField(max_length=8, choices=Outcome)
    detail = models.TextField(blank=True)
    #: What else it was done to: a kind as in "alert rule", its id and its name at that time.
    object_kind = models.CharField(max_length=40, blank=True, db_default="")
    object_id = models.CharField(max_length=64, blank=True, db_default="")
    object_name = models.CharField(max_length=200, blank=True, db_default="")
    #: The fields that differ, before and after; secret values are masked.
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(
                fields=["failure", "-at", "-id"],
                name="audit_by_failure",
                condition=Q(failure__isnull=False),
            ),
            models.Index(fields=["-at", "-id"], name="audit_by_time"),
            models.Index(fields=["user", "-at", "-id"], name="audit_by_user"),
            models.Index(fields=["actor", "-at", "-id"], name="audit_by_actor"),
            models.Index(fields=["command", "-at", "-id"], name="audit_by_command"),
            models.Index(fields=["source", "-at", "-id"], name="audit_by_source"),
            models.Index(fields=["flow_name", "-at", "-id"], name="audit_by_flow"),
            models.Index(
                fields=["object_kind", "object_id", "-at", "-id"],
                name="audit_by_object",
                condition=~Q(object_kind=""),
            ),
            models.Index(
                fields=["object_kind", "object_name", "-at", "-id"],
                name="audit_by_object_name",
                condition=~Q(object_kind=""),
            ),
            models.Index(
                fields=["-at", "-id"], name="audit_refused", condition=Q(outcome="refused")
            ),
        ]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor} {self.command} {self.outcome}"
