"""The executions that users watch."""

from django.conf import settings
from django.db import models

from executions.models.execution import Execution


class Watch(models.Model):
    """A user who watches an execution is notified when it breaks and when it ends."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="watches")
    #: The user has been notified of everything up to this revision.
    read_revision = models.BigIntegerField()
    #: Whether the user was told of the end, by the channels that they have chosen for that.
    is_told = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "execution"], name="watch_once_a_user")
        ]
        verbose_name_plural = "watches"

    def __str__(self) -> str:
        return f"watch of {self.execution_id}"
