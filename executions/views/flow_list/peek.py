"""A flow's diagram with its live tokens, as the list shows it beside the pointer."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from executions.views.flow_diagram import FlowDiagram
from executions.views.flow_list import numbers, rows
from flows import access, queries
from flows.graph import InvalidFlow


@require_safe
def flow_peek(request: HttpRequest, name: str) -> HttpResponse:
    """The newest published version of a flow, or its draft, with what is live at its blocks."""
    flow = access.get(request.user, name)
    version = queries.latest_published(name) or flow.versions.select_related("flow").first()
    if version is None:
        raise Http404("This flow has no version yet.")
    try:
        graph = queries.compiled(version.pk)
    except InvalidFlow:
        graph = None
    live = numbers.live_counts(request.user).by_flow.get(name, {})
    context: dict[str, Any] = {
        "flow": flow,
        "version": version,
        "graph": graph,
        "draft": flow.versions.filter(published_at=None).values_list("number", flat=True).first(),
        "may_start": access.may_start(request.user, flow),
        "now": rows.live_count_pills(name, live),
    }
    if graph is not None:
        context["diagram"] = FlowDiagram(request.user, flow, version, graph, {})
    response = render(request, "executions/flows/peek.html", context)
    response["Cache-Control"] = "no-store"
    return response
