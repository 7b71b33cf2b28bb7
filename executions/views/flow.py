"""The page of one flow: its diagram, versions and variables, and the form that starts it."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect

from executions import access
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import NotStarted, start
from executions.forms import StartForm
from executions.models import Execution
from executions.schedules import access as schedules_access
from executions.states import LIVE
from executions.store.read import relatives
from executions.views.flow_diagram import FlowDiagram
from executions.views.flow_history import History, history
from executions.views.flow_list.rows import share_text
from executions.views.parts import Part, changed, held
from executions.views.recent_chart import BARS, recent_chart
from executions.webhooks import access as webhooks
from flows import access as flows_access
from flows import administrators, queries
from flows.graph import FlowGraph, InvalidFlow, Message
from flows.models import Flow, FlowVersion

#: Versions in the table; older ones are reached by their number. And schedules.
VERSIONS = 50
#: Webhooks and chains that the page names.
LISTED = 50
SCHEDULES = 20


PARTS = (
    Part("numbers", "executions/flow/numbers.html", "row"),
    Part("tabs", "executions/flow/tabs.html"),
    Part("pills", "executions/flow/pills.html", "overlay"),
    Part("blocks", "executions/flow/blocks.html", "text-version"),
)


@require_safe
def flow(request: HttpRequest, name: str) -> HttpResponse:
    """Show one version of a flow: the one that `version` names, else the newest published one."""
    found = flows_access.get(request.user, name)
    version = _version(found, request.GET.get("version", ""))
    graph, problems = _compiled(version)
    form = StartForm(graph, user=request.user, flow_name=name) if graph else None
    return _page(request, found, version, graph, problems, form)


@require_safe
def flow_live(request: HttpRequest, name: str) -> HttpResponse:
    """Show the parts that differ from those that the browser holds: the numbers of executions."""
    found = flows_access.get(request.user, name)
    version = _version(found, request.GET.get("version", ""))
    graph, _ = _compiled(version)
    if graph is None:
        raise Http404("This version cannot be drawn.")
    diagram = FlowDiagram(request.user, found, version, graph, request.GET)
    context = {"flow": found, "version": version, "graph": graph, "diagram": diagram}
    response = HttpResponse(changed(PARTS, request, context, held(request)))
    response["Cache-Control"] = "no-store"
    return response


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def flow_start(request: HttpRequest, name: str) -> HttpResponse:
    """Start an execution, or show the form again with what is wrong beside what it is about.

    htmx gets the form alone, so that a refused start leaves no address for Back to stumble over.
    """
    found = flows_access.get(request.user, name)
    if request.method != "POST":
        return redirect(found)  # a reload after a refused start
    if not flows_access.may_start(request.user, found):
        raise PermissionDenied(f"You may not start {found.name}. {administrators.ask(found)}")
    version = _version(found, request.POST.get("version", ""))
    graph, problems = _compiled(version)
    if version is None or graph is None:
        return _page(request, found, version, graph, problems, None, status=422)
    form = StartForm(graph, request.POST, user=request.user, flow_name=name)
    if form.is_valid():
        try:
            execution = start(
                version,
                form.values,
                Actor.of_request(request),
                Execution.Trigger.PAGE,
                paused=form.cleaned_data["paused"],
                debug=form.cleaned_data["debug"],
                break_on_exception=form.cleaned_data["break_on_exception"],
            )
        except NotStarted as stopped:
            form.add_problems(stopped.messages)
        else:
            if "open" in request.POST:
                return _go(request, execution.get_absolute_url())
            messages.success(request, f"Started {found.name} v{version.number}.")
            return _go(request, f"{reverse('executions')}?{urlencode({'flow': found.name})}")
    return _page(request, found, version, graph, problems, form, status=422)


def _go(request: HttpRequest, address: str) -> HttpResponse:
    """Redirect to an address. htmx needs a header for that: it would swap in the new page."""
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(address)
    return redirect(address)


def _version(found: Flow, number: str) -> FlowVersion | None:
    """Return the version with that number, else the newest published one, else the draft."""
    versions = found.versions.select_related("flow", "published_by")
    if number:
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise Http404("This version does not exist.")
        version = versions.filter(number=int(number)).first()
        if version is None:
            raise Http404("This version does not exist.")
        return version
    published = versions.filter(published_at__isnull=False).order_by("-number").first()
    return published or versions.first()


def _compiled(version: FlowVersion | None) -> tuple[FlowGraph | None, list[Message]]:
    """Return the graph, or the messages of a draft that does not compile."""
    if version is None:
        return None, []
    try:
        return queries.compiled(version.pk), []
    except InvalidFlow as invalid:
        return None, invalid.messages


def _page(  # noqa: PLR0913 (all that the page shows)
    request: HttpRequest,
    found: Flow,
    version: FlowVersion | None,
    graph: FlowGraph | None,
    problems: list[Message],
    form: StartForm | None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "section": "flows",
        "flow": found,
        "version": version,
        "graph": graph,
        "problems": problems,
        "form": form,
        "may_start": flows_access.may_start(request.user, found),
        "may_author": flows_access.may_author(request.user, found),
        "may_administer": flows_access.may_administer(request.user, found),
    }
    if request.method == "POST" and getattr(request, "htmx", False):
        return render(request, "executions/start_form.html", context, status=status)
    visible = access.visible(request.user)
    recent = relatives.recent_executions(visible, found.name, BARS)
    past = history(request.user, found, request.GET.get("span", ""))
    context |= {
        "history": past,
        "schedules": schedules_access.visible(request.user).filter(flow=found)[:SCHEDULES],
        "may_schedule": schedules_access.may_change(request.user, found),
        "versions": _versions(found, visible, past),
        "chart": recent_chart(recent, timezone.now()),
    }
    context |= {
        "may_change_webhooks": webhooks.may_change(request.user, found),
        "webhooks": webhooks.webhooks(request.user).filter(flow=found)[:LISTED],
        "chains": webhooks.chains(request.user).filter(Q(flow=found) | Q(target=found))[:LISTED],
    }
    if graph is not None:
        diagram = FlowDiagram(request.user, found, version, graph, request.GET)
        context["diagram"] = diagram
        context["parts"] = {part.name: part.element(request, context) for part in PARTS}
    response = render(request, "executions/flow.html", context, status=status)
    return response


def _versions(found: Flow, visible: Any, past: History | None) -> list[dict[str, Any]]:
    """Return the newest versions, each with the number of its live executions, and how it has
    been."""
    live = dict(
        visible.filter(flow_name=found.name, status__in=LIVE)
        .order_by()
        .values_list("version_number")
        .annotate(Count("pk"))
    )
    versions = found.versions.select_related("published_by").order_by("-number")[:VERSIONS]
    counts = past.by_version if past else {}
    return [
        {
            "version": version,
            "live": live.get(version.number, 0),
            "counts": counts.get(version.pk),
            "failed": share_text(counts[version.pk].failure_rate) if version.pk in counts else "",
        }
        for version in versions
    ]
