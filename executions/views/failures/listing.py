"""The list of failure groups, kept fresh."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from executions import access
from executions.charts.strips import Sparkline, sparkline
from executions.failures import access as failures_access
from executions.failures import queries
from executions.failures.queries import ORDERS, PAGE_SIZE, TABS, GroupQuery
from executions.models import FailureGroup
from executions.statistics import read
from executions.statistics.spans import Span
from executions.views.parts import Part, changed, held
from flows import access as flows_access

PARTS = (Part("failures", "failures/table.html", "failure-list"),)
#: What the sparklines show.
LATELY = timedelta(hours=24)
SPARK = (80, 18)


@dataclass(frozen=True, slots=True)
class Row:
    """A group, with the failures of each of the last hours."""

    group: FailureGroup
    may_handle: bool
    hours: list[int]

    @property
    def total(self) -> int:
        return sum(self.hours)

    @property
    def line(self) -> Sparkline | None:
        return sparkline(self.hours, *SPARK)


@require_safe
def failures(request: HttpRequest) -> HttpResponse:
    """Show the groups that match the address."""
    query = GroupQuery.parse(request.GET)
    context = _context(request, query)
    context |= {
        "section": "failures",
        "folders": queries.folders(request.user),
        "labels": queries.labels(request.user),
        "flows": list(flows_access.visible(request.user).values_list("name", flat=True)[:500]),
        "parts": {part.name: part.element(request, context) for part in PARTS},
        "live_url": reverse("failures-live"),
    }
    return render(request, "failures/failures.html", context)


@require_safe
def failures_live(request: HttpRequest) -> HttpResponse:
    """The table, when it differs from the one that the browser holds."""
    context = _context(request, GroupQuery.parse(request.GET))
    response = HttpResponse(changed(PARTS, request, context, held(request)))
    response["Cache-Control"] = "no-store"
    return response


def _context(request: HttpRequest, query: GroupQuery) -> dict[str, Any]:
    user = request.user
    counts = query.tab_counts(user)
    page = Paginator(query.groups(user), PAGE_SIZE).get_page(query.page)
    return {
        "query": query,
        "page": page,
        "rows": _rows(user, list(page.object_list)),
        "tabs": [
            (tab, label, counts[tab], query.address(tab=tab), tab == query.tab)
            for tab, (label, _) in TABS.items()
        ],
        "heads": {
            key: (label, query.sort_address(key), _sorted(query, key))
            for key, (label, _, _) in ORDERS.items()
        },
        "last_resolved": _last_resolved(user) if not page.object_list else None,
        "me": queries.ME,
        "nobody": queries.NOBODY,
    }


def _sorted(query: GroupQuery, key: str) -> str:
    if key != query.order:
        return ""
    return "descending" if query.descending else "ascending"


def _rows(user: access.User, groups: list[FailureGroup]) -> list[Row]:
    """The groups with their last hours, where the user sees all executions that were counted."""
    span, zone = Span.last(LATELY, timezone.now()), timezone.get_current_timezone()
    whole = [group.pk for group in groups if failures_access.sees_whole(user, group)]
    series = read.series_by_failure(whole, span, "hour", zone) if whole else {}
    return [
        Row(
            group,
            failures_access.may_handle(user, group),
            [one.counts.failed if one.counts else 0 for one in series.get(group.pk, ())],
        )
        for group in failures_access.as_seen(user, groups)
    ]


def _last_resolved(user: access.User) -> FailureGroup | None:
    """The group that was resolved last, for a list without any."""
    resolved = failures_access.visible(user).filter(state=FailureGroup.State.RESOLVED)
    return resolved.select_related("flow").order_by("-changed_at").first()
