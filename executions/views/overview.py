"""The overview, its wall, and the pages of workers."""

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from executions import access, workers
from executions.failures import access as failures_access
from executions.overview.pages import LivePage, OverviewPage, RenderedPart, WorkerPage
from executions.overview.pages import render as render_parts
from executions.overview.presentation import title_of
from executions.overview.scope import SPANS, Scope
from flows import access as flows_access
from flows.models import Flow

#: Flows whose names complete what is typed.
_NAMES = 500


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show how the executions that the reader sees, or those of some flows, fare."""
    if not access.sees_some(request.user):
        return _refused(request)
    scope = _scope(request)
    page = _overview_page(request, scope)
    context = {
        "section": "overview",
        "scope": scope,
        "title": title_of(scope),
        "choices": _choices(request.user, scope),
        "flow_names": _flow_names(scope),
        "spans": [
            {"label": one.label, "url": scope.with_span(key).address(), "is_on": key == scope.span}
            for key, one in SPANS.items()
        ],
        "comparisons": [
            {
                "label": label,
                "url": scope.with_comparison("" if key == scope.compare else key).address(),
                "is_on": key == scope.compare,
            }
            for key, label in scope.comparisons.items()
        ],
        "start": timezone.now() - scope.length.length,
        "problems": scope.filters.problems,
        "nothing_found": scope.flows() == {},
        "wall_url": scope.address("overview-wall"),
        # What is shown is the same for all who look; what one may do decides about buttons.
        "may_handle": failures_access.handles_some(request.user),
        "may_start": access.allows_somewhere(request.user, "flows.start_flow"),
        "live_url": reverse("overview-live"),
        "socket": f"/ws/overview/{page.zone}/",
        "parts": render_parts(page),
    }
    return render(request, "overview/page.html", context)


@require_safe
def overview_live(request: HttpRequest) -> HttpResponse:
    """Send the parts that differ from those that the browser holds, for a page that polls."""
    return _changed(request, _overview_page(request, _scope(request)))


@require_safe
def overview_wall(request: HttpRequest) -> HttpResponse:
    """Show the overview on a wall: large, without anything to press."""
    if not access.sees_some(request.user):
        return _refused(request)
    scope = _scope(request)
    page = OverviewPage(scope, _zone(), wall=True)
    context = {
        "length": scope.length,
        "title": title_of(scope),
        "now": f"{timezone.localtime():%H:%M:%S}",
        "live_url": reverse("overview-wall-live"),
        "socket": f"/ws/overview/wall/{page.zone}/",
        "parts": render_parts(page),
    }
    return render(request, "overview/wall/page.html", context)


@require_safe
def overview_wall_live(request: HttpRequest) -> HttpResponse:
    """Send the parts of a wall that differ from those that the browser holds."""
    return _changed(request, OverviewPage(_scope(request), _zone(), wall=True))


@require_safe
def worker_list(request: HttpRequest) -> HttpResponse:
    """List the workers that are online or silent."""
    if not access.sees_all(request.user):
        return _refused(request)
    found = workers.read()
    zone = timezone.get_current_timezone()
    rows = None
    if found is not None:
        rows = [
            {
                "worker": one,
                "seen_at": datetime.fromtimestamp(one.seen_at, zone),
                "started_at": datetime.fromtimestamp(one.started_at, zone),
            }
            for one in found
        ]
    return render(request, "overview/workers_page.html", {"section": "overview", "workers": rows})


@require_safe
def worker(request: HttpRequest, name: str) -> HttpResponse:
    """Show a worker and what it runs."""
    if not access.sees_all(request.user):
        return _refused(request)
    page = WorkerPage(name, _zone())
    context = {
        "section": "overview",
        "name": name,
        "live_url": reverse("worker-live", args=[name]),
        "socket": f"/ws/workers/{name}/{page.zone}/",
        "parts": render_parts(page),
    }
    return render(request, "overview/worker_page.html", context)


@require_safe
def worker_live(request: HttpRequest, name: str) -> HttpResponse:
    """Send the parts of a worker's page that differ from those that the browser holds."""
    if not access.sees_all(request.user):
        return _refused(request)
    return _changed(request, WorkerPage(name, _zone()))


def _refused(request: HttpRequest) -> HttpResponse:
    return render(request, "overview/refused.html", {"section": "overview"}, status=403)


def _overview_page(request: HttpRequest, scope: Scope) -> OverviewPage:
    return OverviewPage(scope, _zone(), planned=flows_access.seen_flow_ids(request.user))


def _scope(request: HttpRequest) -> Scope:
    return Scope.parse(request.GET, access.seen_flows(request.user))


def _changed(request: HttpRequest, page: LivePage) -> HttpResponse:
    if not access.sees_some(request.user):
        return _refused(request)
    held = set(request.headers.get("X-Held", "")[:2000].split())
    response = HttpResponse(_differing(render_parts(page), held))
    response["Cache-Control"] = "no-store"
    return response


def _differing(parts: Mapping[str, RenderedPart], held: set[str]) -> SafeString:
    elements = [part.element for name, part in parts.items() if f"{name}:{part.digest}" not in held]
    return mark_safe("\n".join(elements))  # noqa: S308


def _zone() -> str:
    """Return the name of the reader's time zone."""
    zone = timezone.get_current_timezone()
    return zone.key if isinstance(zone, ZoneInfo) else "UTC"


def _choices(user: access.User, scope: Scope) -> list[dict[str, Any]]:
    """Return what the filters offer; without options, any text is typed."""
    folders = sorted(way[-1] for way in flows_access.folders(user).values())
    labels = list(flows_access.labels(user).values_list("name", flat=True))
    offered: list[tuple[str, str, list[str] | None]] = [
        ("label", "Label", labels),
        ("folder", "Folder", folders),
        ("flow", "Flow", None),
    ]
    found = []
    for key, label, options in offered:
        value = next(iter(scope.filters.values(key)), "")
        if options is not None and value and value not in options:
            options = [value, *options]
        clear = scope.without(key).address()
        found.append(
            {"key": key, "label": label, "options": options, "value": value, "clear": clear}
        )
    return found


def _flow_names(scope: Scope) -> SafeString:
    """Return options with the names of flows."""
    flows = Flow.objects.all() if scope.seen is None else Flow.objects.filter(pk__in=scope.seen)
    names = flows.order_by("name").values_list("name", flat=True)[:_NAMES]
    options = (f'<option value="{escape(name)}"></option>' for name in names)
    return mark_safe("".join(options))  # noqa: S308
