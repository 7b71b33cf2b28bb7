"""What the HTTP API remembers."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class IdempotentStart(models.Model):
    """A request with an `Idempotency-Key`, and the executions that it started: sent a second time,
    it gives the same answer and starts nothing."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=255)
    #: A hash of what was asked for.
    fingerprint = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)
    #: Null only until its transaction commits.
    executions = ArrayField(models.UUIDField(), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotent_start_once_a_user")
        ]

    def __str__(self) -> str:
        return f"start of {self.at}"
