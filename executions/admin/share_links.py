"""Links to executions that need no sign-in, in the admin."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from executions import share_links
from executions.admin.lists import AT_ONCE, ReadOnly
from executions.commands.actor import Actor
from executions.models import ShareLink


@admin.register(ShareLink)
class ShareLinkAdmin(ReadOnly):
    list_display = ("start", "execution_page", "created_by", "expires_at", "revoked_at")
    list_select_related = ("created_by",)
    ordering = ("-pk",)
    exclude = ("digest",)
    raw_id_fields = ("execution", "created_by")
    actions = ("revoke",)

    @admin.action(description="Revoke")
    def revoke(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        actor = Actor.of_request(request, "admin")
        chosen = queryset.select_related("execution").order_by("pk")[:AT_ONCE]
        may = [link for link in chosen if share_links.may_share(request.user, link.execution)]
        done = sum(share_links.revoke(actor, link) for link in may)
        self.message_user(request, f"{done} revoked; {len(chosen) - done} were not.")
