"""API tokens, and accounts for programs, in the admin."""

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest

from executions import api_tokens, machine_accounts
from executions.admin.lists import AT_ONCE, ReadOnly
from executions.commands.actor import Actor
from executions.models import ApiToken, MachineAccount


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    """Everybody's tokens, for those who may manage them: tokens are made on the account page."""

    list_display = (
        "name", "user", "start", "scopes", "is_limited", "expires_at", "revoked_at",
        "last_used_at", "last_address",
    )  # fmt: skip
    list_select_related = ("user",)
    ordering = ("-pk",)
    exclude = ("digest",)
    raw_id_fields = ("user", "flows", "folders", "created_by")
    actions = ("revoke",)
    search_help_text = "Enter the whole name of a user."
    execution_field = "pk"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_see = super().has_view_permission(request, obj)
        return may_see and machine_accounts.may_manage(request.user)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return admin.ModelAdmin.get_queryset(self, request)

    def search_text(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        return queryset.filter(user__username=text)

    @admin.action(description="Revoke")
    def revoke(self, request: HttpRequest, queryset: models.QuerySet[ApiToken]) -> None:
        actor = Actor.of_request(request, "admin")
        for token in queryset.select_related("user").order_by("pk")[:AT_ONCE]:
            done = api_tokens.revoke(actor, token)
            text = f"{token.name} is revoked." if done else f"{token.name} had been revoked before."
            self.message_user(request, text, messages.SUCCESS if done else messages.WARNING)


@admin.register(MachineAccount)
class MachineAccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Makes a user one that never signs in. A user who has signed in stays what they are."""

    list_display = ("user", "description", "created_at", "created_by")
    list_select_related = ("user", "created_by")
    raw_id_fields = ("user",)
    search_fields = ("user__username", "description")
    readonly_fields = ("created_at", "created_by")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "user") if obj else self.readonly_fields

    def save_model(
        self, request: HttpRequest, obj: MachineAccount, form: Any, change: bool
    ) -> None:
        if not change:
            obj.created_by_id = request.user.pk
            obj.user.set_unusable_password()
            obj.user.save(update_fields=["password"])
        super().save_model(request, obj, form, change)
