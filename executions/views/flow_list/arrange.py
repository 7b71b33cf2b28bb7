"""Moving a flow to a folder, its labels, and starring it."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from executions.commands import flow_arrangement
from executions.commands.actor import Actor
from executions.views.commands import redirect_back
from executions.views.flow_list import numbers
from flows import access
from flows.models import Flow, Folder, Label
from flows.queries import folder_paths


@require_http_methods(["GET", "HEAD", "POST"])
def flow_arrange(request: HttpRequest, name: str) -> HttpResponse:
    """The form that moves a flow and labels it; when posted, do that. htmx gets the form alone."""
    flow = access.get(request.user, name)
    is_part = bool(getattr(request, "htmx", False))
    if request.method == "POST":
        return _arrange(request, flow, is_part=is_part)
    context = {
        "section": "flows",
        "flow": flow,
        "folders": sorted((way[-1], pk) for pk, way in folder_paths().items()),
        "labels": Label.objects.all(),
        "held": set(flow.labels.values_list("pk", flat=True)),
        "may_arrange": access.may_arrange(request.user, flow),
        "in_dialog": is_part,
    }
    template = "executions/flows/arrange_form.html" if is_part else "executions/flows/arrange.html"
    response = render(request, template, context)
    response["Vary"] = "HX-Request, Cookie"
    return response


def _arrange(request: HttpRequest, flow: Flow, *, is_part: bool) -> HttpResponse:
    actor = Actor.of_request(request)
    given, said = request.POST, []
    if given.get("folder", "") != given.get("from"):
        said.append(flow_arrangement.move(request.user, actor, flow, _folder(request)))
    held, chosen = (set(_ids(given.getlist(name))) for name in ("held", "label"))
    if held != chosen:
        change = (chosen - held, held - chosen)
        said.append(flow_arrangement.label(request.user, actor, flow, *change))
    numbers.forget()
    messages.success(request, " ".join(filter(None, said)) or "Nothing was changed.")
    return HttpResponseClientRefresh() if is_part else redirect("flows")


def _folder(request: HttpRequest) -> Folder | None:
    wanted = request.POST.get("folder", "")
    return get_object_or_404(Folder, pk=_ids([wanted])[0]) if wanted else None


def _ids(values: list[str]) -> list[int]:
    if not all(one.isascii() and one.isdigit() and len(one) < 19 for one in values):
        raise BadRequest("A folder or a label is named by its number.")
    return [int(one) for one in values]


@require_POST
def flow_star(request: HttpRequest, name: str) -> HttpResponse:
    """Add a flow to the user's favourites, or take it away."""
    flow = access.get(request.user, name)
    flow_arrangement.star(request.user, flow, on=request.POST.get("on") == "1")
    if getattr(request, "htmx", False):
        return HttpResponse(status=204)
    return redirect_back(request)
