"""Statistics in the admin."""

from typing import Any

from django.contrib import admin
from django.db import models

from executions.admin.lists import TeamRows
from executions.models import StatisticsEvent, StatisticsSeries


@admin.register(StatisticsSeries)
class StatisticsSeriesAdmin(TeamRows):
    list_display = ("id", "level", "flow", "version", "trigger", "failure", "complete_from")
    list_filter = ("level",)
    list_select_related = ("flow", "version__flow")
    ordering = ("-id",)
    raw_id_fields = ("flow", "version")
    search_help_text = "Enter the id of a failure, or how the name of a flow begins."
    execution_field = "failure"

    def search_text(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        return queryset.filter(flow__name__startswith=text)


@admin.register(StatisticsEvent)
class StatisticsEventAdmin(TeamRows):
    """The journal, which is nearly empty: its lines are added to the totals within seconds."""

    list_display = ("at", "version_id", "trigger", "kind", "sign", "failure")
    ordering = ("-at", "-id")
    search_fields = ()
