"""Roles in the admin, for those who administer the whole site."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from executions.commands import rights
from executions.commands.actor import Actor
from flows import access
from flows.models import Grant
from flows.roles import Role


@admin.register(Grant)
class GrantAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Who has which role where. A change is the command that the pages of rights give."""

    list_display = ("holder", "role", "place")
    list_filter = ("role",)
    list_select_related = ("user", "group", "flow", "folder")
    search_fields = ("user__username", "group__name", "flow__name", "folder__name")
    autocomplete_fields = ("user", "group", "flow", "folder")
    fields = ("user", "group", "flow", "folder", "role")

    @admin.display(description="user or group")
    def holder(self, grant: Grant) -> str:
        return str(grant.user or grant.group)

    @admin.display(description="on")
    def place(self, grant: Grant) -> str:
        return rights.name_of(grant.flow or grant.folder)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields[:4] if obj else ()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_staff and access.may_administer_site(request.user)

    has_change_permission = has_delete_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def save_model(self, request: HttpRequest, obj: Grant, form: Any, change: bool) -> None:
        self._put(request, obj, Role(obj.role))

    def delete_model(self, request: HttpRequest, obj: Grant) -> None:
        self._put(request, obj, None)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Grant]) -> None:
        for grant in queryset:
            self._put(request, grant, None)

    def _put(self, request: HttpRequest, grant: Grant, role: Role | None) -> None:
        holder = grant.user or grant.group
        assert holder, "the form has checked it"
        place = grant.flow or grant.folder
        rights.apply(Actor.of_request(request, "admin"), holder, place, role)
        if role is not None and grant.pk is None:
            # What follows in the admin asks for the row.
            about = {"user": grant.user, "group": grant.group, "flow": grant.flow}
            grant.pk = Grant.objects.get(**about, folder=grant.folder).pk
