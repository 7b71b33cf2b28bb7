"""The audit trail in the admin."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from executions import access
from executions.admin.lists import ReadOnly
from executions.audit import access as audit_access
from executions.models import AuditEntry


class AboutFilter(admin.SimpleListFilter):
    """Shows what people did with executions, or with their accounts."""

    title = "about"
    parameter_name = "about"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("executions", "Executions"), ("accounts", "Accounts: sign-ins and passwords")]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        match self.value():
            case "accounts":
                return queryset.filter(command__in=AuditEntry.ACCOUNT)
            case "executions":
                return queryset.exclude(command__in=AuditEntry.ACCOUNT)
        return queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    """Who did what, as `executions.audit.access` says who sees it; and the entries of executions
    that one sees."""

    list_display = (
        "at", "actor", "command", "outcome", "detail", "flow_name", "execution_page", "source",
        "address",
    )  # fmt: skip
    list_filter = ("outcome", AboutFilter)
    ordering = ("-id",)
    raw_id_fields = ("execution", "user")
    search_help_text = (
        "Enter an execution's id, or at least its first eight digits; or the whole name of a user."
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        seen = audit_access.condition(request.user)
        if seen:
            executions = access.seen(request.user)
            about_them = models.Q(execution_id__in=access.visible(request.user).values("pk"))
            seen |= models.Q(execution__isnull=False) if executions.is_all else about_them
        return admin.ModelAdmin.get_queryset(self, request).filter(seen)

    def search_text(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        return queryset.filter(actor=text)
