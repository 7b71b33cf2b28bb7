"""The page of a failure group: its trend, executions, what they have in common, its activity."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from executions import access, idempotency
from executions.bulk.retry_group import RetryGroup
from executions.charts.lines import Chart
from executions.failures import access as failures_access
from executions.failures import comparison, events, versions
from executions.failures.comparison import FirstDivergence, Samples
from executions.failures.trend import Trend, trend
from executions.grid.planner.statement_timeout import TooSlow, fetch
from executions.models import (
    FAILED,
    AuditEntry,
    ExceptionRecord,
    Execution,
    FailureActivity,
    FailureGroup,
    FailureWatch,
)
from executions.views.failures.call_chain import Call, call_chain
from executions.views.failures.executions import RetryFilter, grid_context, retry_filters
from executions.views.failures.trend_chart import trend_chart
from executions.views.parts import Part, changed, held
from flows import queries, values
from flows.failure_fingerprints import parts as template_parts

PARTS = (
    Part("head", "failures/head.html", "failure-head"),
    Part("toolbar", "failures/toolbar.html", "bar ruled failure-bar"),
    Part("trend", "failures/trend.html", "failure-trend"),
    Part("tabs", "failures/tabs.html", "failure-tabs"),
    Part("retries", "failures/retry_filters.html", "failure-retries"),
    Part("side", "failures/side.html", "failure-side"),
    Part("activity", "failures/activity.html", "failure-activity"),
)
TABS = ("executions", "details", "versions", "audit")
#: Entries of the activity and of the audit that are shown, the newest first.
ACTIVITY = 100
VERSIONS = 50
#: Executions that are counted with each change, by what became of their retries.
_COUNTED = 10_000


class FailurePage:
    """What the page of a group shows."""

    def __init__(self, user: access.User, group: FailureGroup, query: QueryDict) -> None:
        self.user = user
        self.query = query
        self.group = failures_access.as_seen(user, [group])[0]
        self.now = timezone.now()
        tab = query.get("tab", "")
        self.tab = tab if tab in self.shown_tabs else "executions"

    @property
    def shown_tabs(self) -> list[str]:
        return [
            tab
            for tab in TABS
            if tab != "audit" or failures_access.sees_whole(self.user, self.group)
        ]

    @property
    def tabs(self) -> list[tuple[str, str, str, int | None]]:
        """The key, label, address and count of each tab."""
        labels = {
            "executions": ("Executions", self.count),
            "details": ("Exception", None),
            "versions": ("Versions", None),
            "audit": ("Audit", None),
        }
        base = self.group.get_absolute_url()
        return [
            (
                tab,
                labels[tab][0],
                base if tab == "executions" else f"{base}?tab={tab}",
                labels[tab][1],
            )
            for tab in self.shown_tabs
        ]

    @property
    def template(self) -> list[tuple[str, bool]]:
        return list(template_parts(self.group.template))

    @property
    def count(self) -> int:
        """How many executions failed so, of those that the user may know of."""
        return self.group.count

    def _executions(self) -> QuerySet[Execution]:
        return access.visible(self.user).filter(FAILED, failure=self.group.pk)

    @property
    def executions_url(self) -> str:
        """The grid with the same executions."""
        query = urlencode({"failure": str(self.group.pk), "is": "failed"})
        return f"{reverse('executions')}?{query}"

    @cached_property
    def shape(self) -> str:
        """The icon of the block, as the newest version that failed has it."""
        version = self.group.flow.versions.filter(number=self.group.last_version).first()
        node = queries.compiled(version.pk).blocks.get(self.group.block) if version else None
        return f"shape-{node.block.shape}" if node else ""

    @property
    def key(self) -> str:
        return str(self.group.pk)

    @cached_property
    def form(self) -> str:
        """The key of the comment's form."""
        return idempotency.new_key()

    # What people do --------------------------------------------------------------------------

    @property
    def may_handle(self) -> bool:
        return failures_access.may_handle(self.user, self.group)

    @property
    def is_mine(self) -> bool:
        return self.group.owner_id is not None and self.group.owner_id == self.user.pk

    @cached_property
    def newest_version(self) -> int:
        return versions.newest(self.group)

    @property
    def resolve_choices(self) -> list[tuple[str, str]]:
        """Where it can be resolved, what comes first being what is wanted most often."""
        newest = self.newest_version
        failed_there = self.group.last_version >= newest
        choices = [
            ("next", f"In the next version, v{newest + 1}"),
            ("newest", f"In the newest version, v{newest}"),
            ("now", "Now, in all versions"),
        ]
        return choices if failed_there else [choices[1], choices[0], choices[2]]

    @property
    def resolve_label(self) -> str:
        where = self.resolve_choices[0][0]
        return f"Resolve in v{self.newest_version + (where == 'next')}"

    @cached_property
    def retries(self) -> Mapping[str, int] | None:
        """How many executions a retry would start, of how many; None where those are too many to
        be counted with each change."""
        return None if self.count > _COUNTED else RetryGroup(self.user, self.group).counts

    @property
    def retry_filters(self) -> list[RetryFilter]:
        """The executions by what became of their retries."""
        return retry_filters(self.group, self.query, self.retries)

    @cached_property
    def watchers(self) -> int:
        return len(events.watchers(self.group))

    @cached_property
    def is_watching(self) -> bool:
        return FailureWatch.objects.filter(group=self.group, user_id=self.user.pk or 0).exists()

    @property
    def state_text(self) -> str:
        group = self.group
        if group.state == FailureGroup.State.REGRESSED:
            return f"Regressed in v{group.regressed_in_version}"
        if group.state == FailureGroup.State.RESOLVED and group.resolved_in_version:
            return f"Resolved in v{group.resolved_in_version}"
        return group.get_state_display()

    @cached_property
    def activity(self) -> list[FailureActivity]:
        return list(
            FailureActivity.objects.filter(group=self.group).order_by("-at", "-id")[:ACTIVITY]
        )

    # What is known of it ---------------------------------------------------------------------

    @cached_property
    def trend(self) -> Trend:
        return trend(self.user, self.group, self.now)

    @cached_property
    def chart(self) -> Chart:
        return trend_chart(self.group, self.trend)

    @cached_property
    def samples(self) -> Samples | None:
        return comparison.samples(self.user, self.group)

    @cached_property
    def divergence(self) -> FirstDivergence | None:
        return comparison.divergence(self.samples) if self.samples else None

    @property
    def compare_url(self) -> str:
        """The page that compares the two of the divergence."""
        found = self.divergence
        if found is None:
            return ""
        query = urlencode({"a": found.ended.pk, "b": found.failed.pk})
        return f"{reverse('executions-compare')}?{query}"

    @cached_property
    def newest(self) -> Execution | None:
        """The newest execution that failed so."""
        return self._executions().order_by("-started_at", "-id").first()

    @cached_property
    def exception(self) -> ExceptionRecord | None:
        """Its exception."""
        if self.newest is None:
            return None
        thrown = self.newest.exceptions.filter(type=self.group.type).order_by("-step", "-id")
        return thrown.first()

    @property
    def message(self) -> str:
        if self.exception is not None:
            return self.exception.message
        return self.newest.error_message if self.newest else ""

    @property
    def calls(self) -> list[Call]:
        """How it came to be called, the outermost first."""
        return call_chain(self.user, self.newest, self.group) if self.newest else []

    @property
    def details(self) -> Any:
        """The whole newest exception."""
        return values.decode(self.exception.data) if self.exception else None

    @property
    def traceback(self) -> str:
        """Where the code failed; for administrators."""
        return self.exception.traceback if self.exception and self.user.is_staff else ""

    @property
    def versions(self) -> list[dict[str, Any]] | None:
        """How often each version failed so; None when that took too long to count."""
        rows = self._executions().order_by().values_list("version_number").annotate(Count("pk"))
        try:
            numbers = dict(fetch(rows))
        except TooSlow:
            return None
        found = self.group.flow.versions.filter(number__in=numbers).order_by("-number")
        return [
            {
                "version": one,
                "number": numbers[one.number],
                "url": f"{self.executions_url}&version={one.number}",
            }
            for one in found[:VERSIONS]
        ]

    @property
    def audit(self) -> list[AuditEntry]:
        return list(self.group.audit.all()[:ACTIVITY])


@require_safe
def failure(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """Show a group. htmx, and a page that catches up, get only its executions."""
    group = failures_access.get_or_404(request.user, group_id)
    page = FailurePage(request.user, group, request.GET)
    is_part = bool(request.headers.get("HX-Request")) and not request.headers.get(
        "HX-History-Restore-Request"
    )
    context: dict[str, Any] = {"section": "failures", "failure": page, "group": group}
    if is_part or page.tab == "executions":
        context |= grid_context(request, group)
    if is_part:
        response = render(request, "failures/executions.html", context | {"part": True})
    else:
        context["parts"] = {part.name: part.element(request, context) for part in PARTS}
        response = render(request, "failures/failure.html", context)
    response["Vary"] = "HX-Request, Cookie"
    return response


@require_safe
def failure_live(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """The parts that differ from those that the browser says it holds."""
    group = failures_access.get_or_404(request.user, group_id)
    page = FailurePage(request.user, group, request.GET)
    response = HttpResponse(
        changed(PARTS, request, {"failure": page, "group": group}, held(request))
    )
    response["Cache-Control"] = "no-store"
    return response
