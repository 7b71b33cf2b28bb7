"""The page of one execution, its live refresh, and large values on request."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from executions import access, idempotency
from executions.models import ExceptionRecord, Execution
from executions.store import history
from executions.store.read import step_lists, task_states
from executions.views.address import Address
from executions.views.detail.exceptions import as_text
from executions.views.detail.page import ExecutionPage
from executions.views.detail.subject import Subject
from executions.views.detail.value import ValuePlace, ValueView
from executions.views.parts import Part, changed, held
from flows import pretty_json

#: The type of values as text.
JSON = "application/json; charset=utf-8"


def _drawing(context: Mapping[str, Any]) -> str:
    source: str = context["page"].diagram.source
    return source


PARTS = (
    Part("head", "executions/detail/head.html", "head", "section"),
    Part("controls", "executions/detail/controls.html", "controls"),
    Part("takeover", "executions/detail/takeover_request.html", "takeover"),
    Part("workspaces", "executions/detail/workspaces.html"),
    Part("diagram", "executions/detail/diagram.html", source=_drawing),
    Part("marks", "executions/detail/marks.html", "overlay"),
    Part("tokens", "executions/detail/tokens.html", "overlay"),
    Part("past", "executions/detail/past_notice.html", "past-notice"),
    Part("legend", "executions/detail/legend.html", "legend"),
    Part("map", "executions/detail/map.html", "map-box", source=_drawing),
    Part("side", "executions/detail/side.html", "col"),
    Part("bottom", "executions/detail/bottom.html", "col"),
)


@require_safe
def execution(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """The whole page."""
    page = ExecutionPage(request.user, execution_id, Address.parse(request.GET))
    page.people.mark_opened()
    context = page.context()
    context["form"] = idempotency.new_key()
    context["parts"] = {part.name: part.element(request, context) for part in PARTS}
    response = render(request, "executions/execution.html", context)
    return response


@require_safe
def execution_live(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """Show the parts that differ from those that the browser holds."""
    page = ExecutionPage(request.user, execution_id, Address.parse(request.GET))
    if "X-Polling" in request.headers:
        page.people.mark_present()
    context = page.context()
    html = changed(PARTS, request, context, held(request))
    response = HttpResponse(html)
    response["X-Revision"] = str(page.execution.revision)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def execution_value(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """Return the value, or the part of one, that `var` names, as JSON text in full; `step` asks for
    it as it was then."""
    asked = Address.parse(request.GET)
    place = ValuePlace.parse(asked.var)
    if place is None:
        access.get_or_404(request.user, execution_id)
        raise Http404("This variable does not exist.")
    view = ValueView(Subject(request.user, execution_id, asked), place)
    if not view.found.is_known:
        raise Http404(view.found.why)
    response = HttpResponse(pretty_json.text(view.found.value), content_type=JSON)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def execution_times(request: HttpRequest, execution_id: UUID) -> JsonResponse:
    """Return the times at which steps ended, from one step on, forwards or back, for a replay."""
    found = access.get_or_404(request.user, execution_id)
    first = Address.parse(request.GET).step or 0
    told = history.times(found.pk, first, back="back" in request.GET)
    response = JsonResponse({"count": found.step_count, "steps": told})
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def execution_change(request: HttpRequest, execution_id: UUID, number: int) -> HttpResponse:
    """Return the value that a step gave a variable, as `execution_value` does. It is read through
    its step, so that only those who may see the execution get it."""
    found = access.get_or_404(request.user, execution_id)
    exists, form = step_lists.changed_value(found.pk, number, request.GET.get("name", ""))
    if not exists:
        raise Http404("That value is not kept.")
    return _shown(request, found, form)


@require_safe
def execution_exception(request: HttpRequest, execution_id: UUID, record_id: int) -> HttpResponse:
    """Return an exception in full, as JSON or with `as=text` as text, to be copied."""
    found = access.get_or_404(request.user, execution_id)
    record = get_object_or_404(ExceptionRecord, pk=record_id, execution_id=found.pk)
    value = pretty_json.decode(record.data)
    if request.GET.get("as") == "text":
        response = HttpResponse(as_text(value), content_type="text/plain; charset=utf-8")
    else:
        response = HttpResponse(pretty_json.text(value), content_type=JSON)
    response["Cache-Control"] = "no-store"
    return response


def _shown(request: HttpRequest, found: Execution, form: Any) -> HttpResponse:
    value = task_states.with_task_states(found.root_id, pretty_json.decode(form))
    if getattr(request, "htmx", False):
        return render(request, "executions/detail/value.html", {"value": value})
    response = HttpResponse(pretty_json.text(value), content_type=JSON)
    response["Cache-Control"] = "no-store"
    return response
