"""Webhooks and chains in the admin."""

from django.contrib import admin

from executions.admin.lists import TeamRows
from executions.models import Chain, ChainStart, Webhook, WebhookMessage, WebhookRequest


@admin.register(Webhook)
class WebhookAdmin(TeamRows):
    """Neither the address of a webhook nor its secrets are shown: whoever has them starts flows."""

    search_fields = ()
    list_display = ("name", "flow", "scheme", "answer", "is_on", "owner", "changed_at")
    list_filter = ("scheme", "is_on")
    list_select_related = ("flow", "owner")
    ordering = ("-pk",)
    raw_id_fields = ("flow", "owner")
    exclude = ("key", "secret", "old_secret", "secret_inputs")


@admin.register(WebhookRequest)
class WebhookRequestAdmin(TeamRows):
    """What a request said stands on its page, for those who may change the webhook."""

    search_fields = ()
    list_display = ("at", "webhook", "address", "size", "outcome", "status", "execution_id")
    list_filter = ("outcome",)
    list_select_related = ("webhook",)
    ordering = ("-pk",)
    raw_id_fields = ("webhook",)
    exclude = ("content",)


@admin.register(WebhookMessage)
class WebhookMessageAdmin(TeamRows):
    search_fields = ()
    list_display = ("at", "webhook", "digest", "execution_id")
    list_select_related = ("webhook",)
    ordering = ("-pk",)
    raw_id_fields = ("webhook",)


@admin.register(Chain)
class ChainAdmin(TeamRows):
    search_fields = ()
    list_display = ("flow", "target", "when", "is_on", "owner", "changed_at")
    list_filter = ("when", "is_on")
    list_select_related = ("flow", "target", "owner")
    ordering = ("-pk",)
    raw_id_fields = ("flow", "target", "owner")
    exclude = ("secret_inputs",)


@admin.register(ChainStart)
class ChainStartAdmin(TeamRows):
    search_fields = ()
    list_display = ("at", "chain", "source_id", "started_id", "outcome", "why", "length")
    list_filter = ("outcome",)
    list_select_related = ("chain__flow", "chain__target")
    ordering = ("-pk",)
    raw_id_fields = ("chain",)
