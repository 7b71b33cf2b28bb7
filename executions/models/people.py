"""Audit entries, and the breakpoints and watches of users."""

from django.conf import settings
from django.db import models

from executions.models.execution import Execution


class AuditEntry(models.Model):
    """A command on an execution: who gave it, when, from where, and with what outcome.

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
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor} {self.command} {self.outcome}"


class KeptBreakpoint(models.Model):
    """A breakpoint that a user keeps for a flow.

    Executions of the flow get it when the user starts them in debug mode or attaches to them.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    flow_name = models.CharField(max_length=120)
    block = models.CharField(max_length=200)
    condition = models.CharField(max_length=1000, blank=True)
    hits = models.PositiveIntegerField(default=1)
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "flow_name", "block"], name="kept_breakpoint_once"
            )
        ]

    def __str__(self) -> str:
        return f"breakpoint at {self.block} of {self.flow_name}"


class Watch(models.Model):
    """A user who watches an execution is notified when it breaks and when it ends."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="watches")
    #: The user has been notified of everything up to this revision.
    told_revision = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "execution"], name="watch_once_a_user")
        ]
        verbose_name_plural = "watches"

    def __str__(self) -> str:
        return f"watch of {self.execution_id}"
