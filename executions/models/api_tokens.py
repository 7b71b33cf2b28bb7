"""API tokens, and accounts for programs, which can have tokens but never sign in."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Q
from django.utils import timezone

from flows.models import Flow, Folder

_FLOW_IDS = """
    WITH RECURSIVE folders AS (
        SELECT folder_id FROM executions_apitoken_folders WHERE apitoken_id = %(id)s
        UNION
        SELECT folder.id FROM flows_folder folder
            JOIN folders ON folder.parent_id = folders.folder_id
    )
    SELECT flow_id FROM executions_apitoken_flows WHERE apitoken_id = %(id)s
    UNION
    SELECT flow.id FROM flows_flow flow JOIN folders ON flow.folder_id = folders.folder_id
"""


class ApiToken(models.Model):
    """A token with which a program acts for a user, within its scopes.

    Only the SHA-256 of a token is kept. Tokens are random and long, so that it needs no salt.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=80)
    #: Its first characters, by which people recognise it.
    start = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    #: Names of roles, and of what else takes a scope (`executions.api_tokens.SCOPES`).
    scopes = ArrayField(models.CharField(max_length=20))
    #: Whether it is for `flows`, and the flows in `folders`, only. A column of its own, so that a
    #: token does not open everything once the last of its flows is deleted.
    is_limited = models.BooleanField(default=False)
    flows = models.ManyToManyField(Flow, related_name="+", blank=True)
    folders = models.ManyToManyField(Folder, related_name="+", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    #: Written once a minute at most.
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"],
                name="api_token_name_of_user",
                condition=Q(revoked_at=None),
                violation_error_message="There is a token of this name already.",
            )
        ]
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name

    def flow_ids(self) -> frozenset[int] | None:
        """Return the flows that it is for; None for all that its user may reach."""
        if not self.is_limited:
            return None
        with connection.cursor() as cursor:
            cursor.execute(_FLOW_IDS, {"id": self.pk})
            return frozenset(flow_id for (flow_id,) in cursor.fetchall())

    @property
    def ended_at(self) -> datetime | None:
        """When it was revoked or expired; None while it works."""
        if self.revoked_at is not None:
            return self.revoked_at
        expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return self.expires_at if expired else None


class MachineAccount(models.Model):
    """Marks the account of a program: it can have tokens, and never signs in by any other way."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="machine_account",
    )
    description = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    def __str__(self) -> str:
        return str(self.user)
