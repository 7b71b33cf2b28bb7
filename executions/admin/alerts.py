"""Alert rules, channels and deliveries in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from executions.admin.lists import TeamRows
from executions.models import Alert, AlertChannel, AlertRule, Delivery, DeliveryAttempt, Observation


class AlertRows(TeamRows):
    """A list about alerts, for superusers: not everybody who sees executions sees whom they reach.

    What opens a channel, its secrets and its address, is never shown.
    """

    search_fields = ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and request.user.is_superuser


@admin.register(AlertRule)
class AlertRuleAdmin(AlertRows):
    list_display = ("name", "kind", "flow", "folder", "label", "is_on", "evaluated_at", "problem")
    list_filter = ("kind", "is_on")
    list_select_related = ("flow", "folder", "label")
    ordering = ("name", "id")
    raw_id_fields = ("flow", "folder", "label", "created_by")


@admin.register(AlertChannel)
class AlertChannelAdmin(AlertRows):
    list_display = ("name", "kind", "person", "is_on", "created_at")
    list_filter = ("kind", "is_on")
    list_select_related = ("person",)
    ordering = ("-id",)
    raw_id_fields = ("person",)
    exclude = ("address", "secret", "old_secret")


@admin.register(Alert)
class AlertAdmin(AlertRows):
    list_display = ("opened_at", "rule", "count", "most", "closed_at", "messages")
    list_filter = ("is_done",)
    list_select_related = ("rule",)
    ordering = ("-pk",)
    raw_id_fields = ("rule",)


@admin.register(Delivery)
class DeliveryAdmin(AlertRows):
    list_display = ("created_at", "via", "recipient", "status", "attempts", "sent_at", "read_at")
    list_filter = ("via", "status")
    ordering = ("-pk",)
    raw_id_fields = ("alert", "user", "channel")
    exclude = ("message", "destination")


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(AlertRows):
    list_display = ("at", "delivery_id", "seconds", "answer", "is_done")
    list_filter = ("is_done",)
    ordering = ("-pk",)
    raw_id_fields = ("delivery",)


@admin.register(Observation)
class ObservationAdmin(AlertRows):
    list_display = ("kind", "key", "flow", "since", "until")
    list_filter = ("kind",)
    list_select_related = ("flow",)
    ordering = ("-pk",)
    raw_id_fields = ("flow",)
