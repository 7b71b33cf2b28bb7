"""Bulk jobs in the admin."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from executions import access
from executions.admin.lists import OwnedRows, ReadOnly
from executions.models import BulkJob, BulkResult


@admin.register(BulkJob)
class BulkJobAdmin(OwnedRows):
    list_display = (
        "id", "created_at", "user", "command", "status", "done", "refused", "ended_at",
    )  # fmt: skip
    list_filter = ("status", "command")
    raw_id_fields = ("user",)
    #: `chosen` may list thousands; the page of the job shows more about them. `fields` may hold the
    #: new value of a secret variable.
    exclude = ("chosen", "fields")
    search_help_text = "Enter the id of a job, or at least its first eight digits."
    execution_field = "pk"


@admin.register(BulkResult)
class BulkResultAdmin(ReadOnly):
    list_display = ("job_id", "execution_page", "flow_name", "outcome", "detail")
    ordering = ("-id",)
    raw_id_fields = ("job",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = admin.ModelAdmin.get_queryset(self, request)
        return rows if access.sees_all(request.user) else rows.filter(job__user=request.user.pk)
