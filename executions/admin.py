"""The Django admin of executions: read-only lists of what a user may see."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.utils.functional import cached_property

from executions import access, appearance
from executions.models import (
    AuditEntry,
    BulkJob,
    ExceptionRecord,
    Execution,
    LogEntry,
    Preferences,
    SavedView,
    Watch,
)
from flows import formatting
from flows.blocks.logs.log_event import SEVERITIES
from flows.models import Flow

#: Rows of a list that are counted and paged.
COUNT_CAP = 10_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts at most `COUNT_CAP` rows, because a whole count reads the whole table."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNT_CAP].count())


class FlowFilter(admin.SimpleListFilter):
    """Filters by flow; its choices come from the flows, which are fewer than the executions."""

    title = "flow"
    parameter_name = "flow"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in Flow.objects.values_list("name", flat=True)]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        return queryset.filter(flow_name=self.value()) if self.value() else queryset


class SeverityFilter(admin.SimpleListFilter):
    title = "severity"
    parameter_name = "severity"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in SEVERITIES]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        return queryset.filter(severity=self.value()) if self.value() else queryset


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


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list of what `executions.access` lets a user see; it stays fast with many rows.

    A search takes a whole execution id, or the name of a flow where the rows have one.
    """

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    search_fields = ("pk",)
    search_help_text = "Enter the whole id of an execution."
    #: The field that holds the execution's id.
    execution_field = "execution_id"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # Django lets an address filter by each field of the model, also by one that it hides.
        asked = lookup.partition("__")[0]
        return asked not in (self.exclude or ()) and super().lookup_allowed(lookup, value, request)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = super().get_queryset(request)
        if access.sees_all(request.user):
            return rows
        visible = access.visible(request.user).values("pk")
        return rows.filter(**{f"{self.execution_field}__in": visible})

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(**{self.execution_field: UUID(term)}), False
        except ValueError:
            return self.search_text(queryset, term), False

    def search_text(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        """Return the rows that a text finds which is not an id."""
        return queryset.none()


@admin.register(Execution)
class ExecutionAdmin(ReadOnly):
    list_display = (
        "id", "flow_name", "version_number", "shown_status", "started_at", "ended_at",
        "initiator_name", "error_message", "error_type",
    )  # fmt: skip
    list_filter = ("status", "unhandled", "trigger", FlowFilter)
    ordering = ("-started_at", "-id")
    raw_id_fields = ("version", "parent", "initiator")
    #: Only the engine reads these columns: they may hold secrets.
    exclude = ("secrets", "state")
    search_help_text = "Enter the whole id of an execution, or the whole name of a flow."
    execution_field = "pk"

    @admin.display(description="status")
    def shown_status(self, execution: Execution) -> str:
        """Return the status in words; they say so where an Ended execution failed."""
        return appearance.label(execution.status, unhandled=execution.unhandled)

    def search_text(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        return queryset.filter(flow_name=text)


@admin.register(ExceptionRecord)
class ExceptionRecordAdmin(ReadOnly):
    list_display = ("at", "execution_id", "block", "type", "message", "handled_by")
    list_filter = (("handled_by", admin.EmptyFieldListFilter),)
    ordering = ("-id",)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnly):
    list_display = ("at", "execution_id", "block", "severity", "event_type")
    list_filter = (SeverityFilter,)
    ordering = ("-id",)
    # A flow gives these times. Django cannot show the local time of one at the calendar's edge.
    exclude = ("event_started_at", "event_ended_at")
    readonly_fields = ("event_started", "event_ended")

    @admin.display(description="event started at")
    def event_started(self, entry: LogEntry) -> str:
        return formatting.full(entry.event_started_at)

    @admin.display(description="event ended at")
    def event_ended(self, entry: LogEntry) -> str:
        return formatting.full(entry.event_ended_at)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    """Who did what.

    Users who may see every execution also see the entries of deleted ones. Entries of sign-ins need
    Django's permission to view audit entries; everybody sees those of their own account.
    """

    list_display = (
        "at", "actor", "command", "outcome", "detail", "flow_name", "execution_id", "source",
        "address",
    )  # fmt: skip
    list_filter = ("outcome", AboutFilter)
    ordering = ("-id",)
    raw_id_fields = ("execution", "user")
    search_help_text = "Enter the whole id of an execution, or the whole name of a user."

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        is_account = models.Q(command__in=AuditEntry.ACCOUNT)
        seen = ~is_account
        if not access.sees_all(request.user):
            seen &= models.Q(execution_id__in=access.visible(request.user).values("pk"))
        if request.user.has_perm("executions.view_auditentry"):
            seen |= is_account
        else:
            seen |= is_account & models.Q(user_id=request.user.pk)
        return admin.ModelAdmin.get_queryset(self, request).filter(seen)

    def search_text(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        return queryset.filter(actor=text)


class OwnedRows(ReadOnly):
    """A list of what belongs to a user; users who may see every execution see everybody's."""

    list_select_related = ("user",)
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = admin.ModelAdmin.get_queryset(self, request)
        return rows if access.sees_all(request.user) else rows.filter(user_id=request.user.pk)


@admin.register(BulkJob)
class BulkJobAdmin(OwnedRows):
    list_display = ("id", "created_at", "user", "command", "status", "done", "refused", "ended_at")
    list_filter = ("status", "command")
    raw_id_fields = ("user",)
    #: `chosen` may list thousands; the page of the job shows more about them. `fields` may hold the
    #: new value of a secret variable.
    exclude = ("chosen", "fields")
    search_help_text = "Enter the whole id of a job."
    execution_field = "pk"


@admin.register(Watch)
class WatchAdmin(OwnedRows):
    list_display = ("user", "execution_id", "read_revision")
    raw_id_fields = ("user", "execution")


@admin.register(SavedView)
class SavedViewAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Every saved view, private ones included, for users with Django's permissions for saved views.

    They can give a view to another user, or end its sharing.
    """

    list_display = ("name", "owner", "shared", "query", "updated_at")
    list_filter = ("shared",)
    search_fields = ("name", "owner__username")
    raw_id_fields = ("owner",)
    list_select_related = ("owner",)


@admin.register(Preferences)
class PreferencesAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("user", "zone", "density", "start_view", "starts_at_overview", "single_keys")
    search_fields = ("user__username",)
    raw_id_fields = ("user", "start_view")
    list_select_related = ("user", "start_view")
