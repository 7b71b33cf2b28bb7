"""The Django admin of executions: lists of what a user may see, with commands for those who may.

Models with a composite primary key cannot be registered: tokens, variables, steps and what is kept
of them stand on the page of their execution.
"""

from collections import Counter
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

from executions import access, appearance
from executions.bulk import jobs, targets
from executions.bulk.targets import Target
from executions.commands.actor import Actor
from executions.commands.registry import COMMANDS
from executions.commands.request import CommandRequest
from executions.commands.run import run_commands
from executions.failures import access as failure_access
from executions.failures.commands import run as failure_commands
from executions.grid.query.text_search import id_range
from executions.models import (
    Alert,
    AlertChannel,
    AlertRule,
    AuditEntry,
    BulkJob,
    BulkResult,
    Delivery,
    DeliveryAttempt,
    ExceptionRecord,
    Execution,
    FailureActivity,
    FailureGroup,
    FailureWatch,
    Intervention,
    KeptBreakpoint,
    LogEntry,
    Observation,
    Preferences,
    SavedView,
    Semaphore,
    SemaphoreTicket,
    SentForm,
    StatisticsEvent,
    StatisticsSeries,
    UncountedFailure,
    Watch,
)
from flows import formatting
from flows.blocks.logs.log_event import SEVERITIES
from flows.models import Flow

#: Executions that an action takes: while the user waits, and as a job.
AT_ONCE, MOST = 20, 10_000
#: Rows of a list that are counted and paged.
COUNT_CAP = 10_000


def page_link(view: str, key: Any, text: str) -> str:
    """Return a link to a page of the product; "" where there is nothing to lead to."""
    return format_html('<a href="{}">{}</a>', reverse(view, args=[key]), text) if key else ""


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

    A search takes an execution's id, or eight digits or more that it begins with; where the rows
    have one, also a name.
    """

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    search_fields: ClassVar[tuple[str, ...]] = ("pk",)
    search_help_text = "Enter the id of an execution, or at least its first eight digits."
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
        if not term or not self.search_fields:
            return queryset, False
        if ids := id_range(term):
            return queryset.filter(**{f"{self._id_lookup}__range": ids}), False
        return self.search_text(queryset, term), False

    @property
    def _id_lookup(self) -> str:
        """The lookup of the field that holds the execution's id; a foreign key has no ranges."""
        if self.execution_field == "pk":
            return "pk"
        field = self.model._meta.get_field(self.execution_field)
        return f"{field.name}__pk" if field.is_relation else field.name

    @admin.display(description="execution")
    def execution_page(self, row: Any) -> str:
        """The row's execution, as a link to its page."""
        return page_link("execution", row.execution_id, str(row.execution_id or "")[:13])

    def search_text(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        """Return the rows that a text finds which is not an id."""
        return queryset.none()


@admin.register(Execution)
class ExecutionAdmin(ReadOnly):
    list_display = (
        "id", "page", "flow_name", "version_number", "shown_status", "started_at", "ended_at",
        "initiator_name", "error_message", "error_type",
    )  # fmt: skip
    actions = ("stop", "retry", "delete")
    list_filter = ("status", "unhandled", "trigger", FlowFilter)
    ordering = ("-started_at", "-id")
    raw_id_fields = ("version", "parent", "initiator")
    #: Only the engine reads these columns: they may hold secrets.
    exclude = ("secrets", "state")
    search_help_text = (
        "Enter an execution's id, or at least its first eight digits; or how a flow's name begins."
    )
    execution_field = "pk"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = super().get_queryset(request)
        # The list shows none of these, which may be large; the page of one row reads them.
        match = request.resolver_match
        is_list = match is not None and match.url_name == "executions_execution_changelist"
        return rows.defer("inputs", "outputs", "state", "secrets", "debug") if is_list else rows

    @admin.action(description="Stop")
    def stop(self, request: HttpRequest, queryset: models.QuerySet[Execution]) -> None:
        self._command(request, "stop", queryset)

    @admin.action(description="Retry")
    def retry(self, request: HttpRequest, queryset: models.QuerySet[Execution]) -> None:
        self._command(request, "retry", queryset)

    @admin.action(description="Delete with all below them")
    def delete(self, request: HttpRequest, queryset: models.QuerySet[Execution]) -> None:
        self._command(request, "delete", queryset)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The commands for which the user has the permission."""
        found = super().get_actions(request)
        return {name: found[name] for name in found if COMMANDS[name].is_allowed(request.user)}

    def _command(
        self, request: HttpRequest, name: str, queryset: models.QuerySet[Execution]
    ) -> None:
        """Give a command to the chosen executions as the grid does; many of them make a job."""
        ids = list(queryset.order_by("started_at", "id").values_list("pk", flat=True)[: MOST + 1])
        if len(ids) > MOST:
            text = f"These are more than {MOST:,}. Filter them in the grid, which takes any number."
            self.message_user(request, text, messages.ERROR)
            return
        actor = Actor.of_request(request, "admin")
        if len(ids) > AT_ONCE:
            target = Target(chosen={str(one): "" for one in ids})
            job = jobs.create(actor, name, {}, target, len(ids))
            said = format_html(
                '{} is a job: <a href="{}">see how far it is</a>.', name, job.get_absolute_url()
            )
            self.message_user(request, said)
            return
        chosen = targets.chosen(request.user, ids)
        results = run_commands(name, [CommandRequest(one, request.user, actor) for one in chosen])
        done = sum(result.done for result in results)
        if done:
            self.message_user(request, f"{COMMANDS[name].label}: {done} done.", messages.SUCCESS)
        reasons = Counter(result.detail for result in results if not result.done)
        for reason, number in reasons.most_common():
            self.message_user(request, f"{number} refused: {reason}", messages.ERROR)

    @admin.display(description="page")
    def page(self, execution: Execution) -> str:
        return page_link("execution", execution.pk, "Open")

    @admin.display(description="status")
    def shown_status(self, execution: Execution) -> str:
        """Return the status in words; they say so where an Ended execution failed."""
        return appearance.label(execution.status, unhandled=execution.unhandled)

    def search_text(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        return queryset.filter(flow_name__startswith=text)


@admin.register(ExceptionRecord)
class ExceptionRecordAdmin(ReadOnly):
    list_display = ("at", "execution_page", "block", "type", "message", "handled_by")
    list_filter = (("handled_by", admin.EmptyFieldListFilter),)
    ordering = ("-id",)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnly):
    list_display = ("at", "execution_page", "block", "severity", "event_type")
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
        if request.user.has_perm("executions.view_auditentry"):
            seen |= is_account
        else:
            seen |= is_account & models.Q(user_id=request.user.pk)
        return admin.ModelAdmin.get_queryset(self, request).filter(seen)

    def search_text(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        return queryset.filter(actor=text)


class OwnedRows(ReadOnly):
    """A list of what belongs to a user; users who may see every execution see everybody's."""

    list_select_related: ClassVar[tuple[str, ...]] = ("user",)
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = admin.ModelAdmin.get_queryset(self, request)
        return rows if access.sees_all(request.user) else rows.filter(user_id=request.user.pk)


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


@admin.register(Watch)
class WatchAdmin(OwnedRows):
    list_display = ("user", "execution_page", "read_revision")
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


class TeamRows(ReadOnly):
    """A list for users who may see every execution."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and access.sees_all(request.user)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return admin.ModelAdmin.get_queryset(self, request)


@admin.register(FailureGroup)
class FailureGroupAdmin(ReadOnly):
    list_display = (
        "id", "flow", "type", "template", "block_description", "state", "owner", "count",
        "first_seen_at", "last_seen_at",
    )  # fmt: skip
    list_filter = ("state", "is_known")
    list_select_related = ("flow", "owner")
    ordering = ("-last_seen_at", "-id")
    raw_id_fields = ("flow", "owner")
    actions = ("mute", "unmute")
    search_help_text = "Enter the id of a failure, or how the name of its flow begins."
    execution_field = "pk"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return failure_access.visible(request.user).order_by(*self.ordering)

    def search_text(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        return queryset.filter(flow__name__startswith=text)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return super().get_actions(request) if failure_access.may_handle(request.user) else {}

    @admin.action(description="Mute for a day")
    def mute(self, request: HttpRequest, queryset: models.QuerySet[FailureGroup]) -> None:
        self._command(request, "mute", queryset, {"until": "1d"})

    @admin.action(description="Unmute")
    def unmute(self, request: HttpRequest, queryset: models.QuerySet[FailureGroup]) -> None:
        self._command(request, "unmute", queryset, {})

    def _command(
        self,
        request: HttpRequest,
        name: str,
        queryset: models.QuerySet[FailureGroup],
        fields: dict[str, str],
    ) -> None:
        actor = Actor.of_request(request, "admin")
        for group in queryset.order_by("pk")[:AT_ONCE]:
            result = failure_commands.run(name, group, request.user, actor, fields)
            level = messages.SUCCESS if result.done else messages.ERROR
            self.message_user(request, f"{group}: {result.detail or 'done'}", level)


@admin.register(FailureActivity)
class FailureActivityAdmin(TeamRows):
    list_display = ("at", "group", "kind", "actor", "text")
    list_filter = ("kind",)
    list_select_related = ("group",)
    ordering = ("-id",)
    raw_id_fields = ("group", "user")
    search_help_text = "Enter the id of a failure."
    execution_field = "group_id"


@admin.register(FailureWatch)
class FailureWatchAdmin(OwnedRows):
    list_display = ("user", "group")
    list_select_related = ("user", "group")
    raw_id_fields = ("user", "group")
    search_help_text = "Enter the id of a failure."
    execution_field = "group_id"


@admin.register(BulkResult)
class BulkResultAdmin(ReadOnly):
    list_display = ("job_id", "execution_page", "flow_name", "outcome", "detail")
    ordering = ("-id",)
    raw_id_fields = ("job",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = admin.ModelAdmin.get_queryset(self, request)
        return rows if access.sees_all(request.user) else rows.filter(job__user=request.user.pk)


@admin.register(Intervention)
class InterventionAdmin(ReadOnly):
    list_display = ("at", "execution_page", "kind", "actor", "after_step")
    ordering = ("-id",)
    raw_id_fields = ("execution",)
    #: They may hold the values of variables; the page of the execution shows them.
    exclude = ("tokens", "changes")


@admin.register(KeptBreakpoint)
class KeptBreakpointAdmin(OwnedRows):
    list_display = ("user", "flow_name", "block", "condition", "hits", "enabled")
    list_filter = ("enabled",)
    raw_id_fields = ("user",)
    search_help_text = "Enter how the name of a flow begins."

    def search_text(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        return queryset.filter(flow_name__startswith=text)


@admin.register(Semaphore)
class SemaphoreAdmin(TeamRows):
    list_display = ("path", "concurrency_limit", "created_at")
    ordering = ("path",)
    search_help_text = "Enter how a path begins."

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        return queryset.filter(path__startswith=search_term.strip()), False


@admin.register(SemaphoreTicket)
class SemaphoreTicketAdmin(ReadOnly):
    list_display = ("at", "execution_page", "semaphore_id", "block", "stage", "priority")
    list_filter = ("stage",)
    ordering = ("-pk",)
    raw_id_fields = ("semaphore", "execution")


@admin.register(UncountedFailure)
class UncountedFailureAdmin(ReadOnly):
    list_display = ("execution_page",)
    ordering = ("-pk",)
    raw_id_fields = ("execution",)


@admin.register(SentForm)
class SentFormAdmin(OwnedRows):
    list_display = ("user", "form", "at")
    raw_id_fields = ("user",)
    exclude = ("answer",)
    search_fields = ()


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
