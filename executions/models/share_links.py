"""Links by which people without an account see one execution."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from executions.models.execution import Execution


class ShareLink(models.Model):
    """A link to one execution, for anyone who has it, until it ends. Only its SHA-256 is kept."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="share_links")
    digest = models.CharField(max_length=64, unique=True)
    #: Its first characters, by which lists and the audit trail call it.
    start = models.CharField(max_length=12)
    #: The names of variables whose values it does not show.
    masked = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.start}…"

    @property
    def has_ended(self) -> bool:
        """Whether it shows nothing any more."""
        return self.revoked_at is not None or self.expires_at <= timezone.now()
