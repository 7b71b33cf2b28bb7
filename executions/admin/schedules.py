"""Schedules and what became of their times in the admin. Their pages change them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from executions.admin.lists import TeamRows
from executions.models import Schedule, SchedulePause, ScheduleRun


class ScheduleRows(TeamRows):
    """A list about schedules, for superusers: their inputs may be of any flow."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and request.user.is_superuser


@admin.register(Schedule)
class ScheduleAdmin(ScheduleRows):
    list_display = ("name", "flow", "cron", "zone", "is_on", "next_at", "owner", "problem")
    list_filter = ("is_on", "overlap", "misfire")
    list_select_related = ("flow", "owner")
    search_fields = ("name", "flow__name")
    ordering = ("name", "id")
    raw_id_fields = ("flow", "version", "owner")
    exclude = ("secret_inputs", "calendar")
    search_help_text = "Enter a part of the name of a schedule or a flow."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Schedule], search_term: str
    ) -> tuple[QuerySet[Schedule], bool]:
        # A schedule has no id of an execution.
        return admin.ModelAdmin.get_search_results(self, request, queryset, search_term)


@admin.register(ScheduleRun)
class ScheduleRunAdmin(ScheduleRows):
    list_display = ("scheduled_at", "schedule", "outcome", "times", "at", "detail", "started_by")
    list_filter = ("outcome",)
    list_select_related = ("schedule",)
    search_fields = ()
    ordering = ("-pk",)
    raw_id_fields = ("schedule",)


@admin.register(SchedulePause)
class SchedulePauseAdmin(ScheduleRows):
    list_display = ("is_paused", "changed_at", "changed_by")
    search_fields = ()
    ordering = ("pk",)
