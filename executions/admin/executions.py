"""Executions in the admin, with what belongs to them."""

from collections import Counter
from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html

from executions import appearance
from executions.admin.lists import AT_ONCE, FlowFilter, OwnedRows, ReadOnly, TeamRows, page_link
from executions.bulk import jobs, targets
from executions.bulk.targets import Target
from executions.commands.actor import Actor
from executions.commands.registry import COMMANDS
from executions.commands.request import CommandRequest
from executions.commands.run import run_commands
from executions.models import (
    ExceptionRecord,
    Execution,
    Intervention,
    KeptBreakpoint,
    LogEntry,
    Semaphore,
    SemaphoreTicket,
)
from flows import formatting
from flows.blocks.logs.log_event import SEVERITIES

#: Executions that an action takes as a job.
MOST = 10_000


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
        return {name: found[name] for name in found if COMMANDS[name].is_offered(request.user)}

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
        chosen = targets.selected(request.user, ids)
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


class SeverityFilter(admin.SimpleListFilter):
    title = "severity"
    parameter_name = "severity"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in SEVERITIES]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        return queryset.filter(severity=self.value()) if self.value() else queryset


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
