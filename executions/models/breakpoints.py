"""Breakpoints that users keep."""

from django.conf import settings
from django.db import models


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
