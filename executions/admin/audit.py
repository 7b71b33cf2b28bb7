"""The audit trail in the admin."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from executions import access
from executions.admin.lists import ReadOnly
from executions.models import AuditEntry
from flows.rights import rights_of


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
    """Who did what.

    Users who may see every execution also see the entries of deleted ones. Entries of sign-ins need
    Django's permission to view audit entries; everybody sees those of their own account.
    """

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
        is_account = models.Q(command__in=AuditEntry.ACCOUNT)
        seen = ~is_account
        if not access.sees_all(request.user):
            seen &= models.Q(execution_id__in=access.visible(request.user).values("pk"))
        if rights_of(request.user).has("executions.view_auditentry"):
            seen |= is_account
        else:
            seen |= is_account & models.Q(user_id=request.user.pk)
        return admin.ModelAdmin.get_queryset(self, request).filter(seen)

    def search_text(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        return queryset.filter(actor=text)
