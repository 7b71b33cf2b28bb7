"""The audit trail."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from executions.models.execution import Execution
from executions.models.failures import FailureGroup


class AuditEntry(models.Model):
    """A command on an execution or a failure group: who gave it, when, from where, and with what
    outcome.

    Sign-ins and changes of passwords (`ACCOUNT`) have entries without an execution.
    """

    #: The commands on an account.
    ACCOUNT = ("sign-in", "change-password")

    class Outcome(models.TextChoices):
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"

    at = models.DateTimeField(auto_now_add=True)
    execution = models.ForeignKey(
        Execution, on_delete=models.SET_NULL, null=True, related_name="audit"
    )
    #: Without a constraint, which would be checked against every entry when it is added.
    failure = models.ForeignKey(
        FailureGroup,
        on_delete=models.SET_NULL,
        null=True,
        related_name="audit",
        db_index=False,
        db_constraint=False,
    )
    flow_name = models.CharField(max_length=120)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    actor = models.CharField(max_length=150)
    command = models.CharField(max_length=20)
    source = models.CharField(max_length=20)
    address = models.GenericIPAddressField(null=True)
    outcome = models.CharField(max_length=8, choices=Outcome)
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(
                fields=["failure", "-at", "-id"],
                name="audit_by_failure",
                condition=Q(failure__isnull=False),
            )
        ]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor} {self.command} {self.outcome}"
