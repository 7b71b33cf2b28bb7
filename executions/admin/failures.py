"""Failure groups in the admin."""

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest

from executions.admin.lists import AT_ONCE, OwnedRows, ReadOnly, TeamRows
from executions.commands.actor import Actor
from executions.failures import access as failure_access
from executions.failures.commands import run as failure_commands
from executions.models import FailureActivity, FailureGroup, FailureWatch, UncountedFailure


@admin.register(FailureGroup)
class FailureGroupAdmin(ReadOnly):
    list_display = (
        "id", "flow", "type", "template", "block_description", "state", "owner", "count",
        "first_seen_at", "last_seen_at",
    )  # fmt: skip
    list_filter = ("state", "is_known")
    list_select_related = ("flow", "owner")
    ordering = ("-last_seen_at", "-id")
    raw_id_fields = ("flow", "owner")
    actions = ("mute", "unmute")
    search_help_text = "Enter the id of a failure, or how the name of its flow begins."
    execution_field = "pk"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return failure_access.visible(request.user).order_by(*self.ordering)

    def search_text(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        return queryset.filter(flow__name__startswith=text)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return super().get_actions(request) if failure_access.handles_some(request.user) else {}

    @admin.action(description="Mute for a day")
    def mute(self, request: HttpRequest, queryset: models.QuerySet[FailureGroup]) -> None:
        self._command(request, "mute", queryset, {"until": "1d"})

    @admin.action(description="Unmute")
    def unmute(self, request: HttpRequest, queryset: models.QuerySet[FailureGroup]) -> None:
        self._command(request, "unmute", queryset, {})

    def _command(
        self,
        request: HttpRequest,
        name: str,
        queryset: models.QuerySet[FailureGroup],
        fields: dict[str, str],
    ) -> None:
        actor = Actor.of_request(request, "admin")
        for group in queryset.order_by("pk")[:AT_ONCE]:
            result = failure_commands.run(name, group, request.user, actor, fields)
            level = messages.SUCCESS if result.done else messages.ERROR
            self.message_user(request, f"{group}: {result.detail or 'done'}", level)


@admin.register(FailureActivity)
class FailureActivityAdmin(TeamRows):
    list_display = ("at", "group", "kind", "actor", "text")
    list_filter = ("kind",)
    list_select_related = ("group",)
    ordering = ("-id",)
    raw_id_fields = ("group", "user")
    search_help_text = "Enter the id of a failure."
    execution_field = "group_id"


@admin.register(FailureWatch)
class FailureWatchAdmin(OwnedRows):
    list_display = ("user", "group")
    list_select_related = ("user", "group")
    raw_id_fields = ("user", "group")
    search_help_text = "Enter the id of a failure."
    execution_field = "group_id"


@admin.register(UncountedFailure)
class UncountedFailureAdmin(ReadOnly):
    list_display = ("execution_page",)
    ordering = ("-pk",)
    raw_id_fields = ("execution",)
