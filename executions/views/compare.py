"""Two executions of one flow compared, or a choice of what to compare one with."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from executions import access
from executions.models import Execution
from executions.views.comparison import Comparison

#: Executions that are offered for a comparison.
OFFERED = 30
#: Instead of an id: the execution of the flow that was started before the other one.
PREVIOUS = "previous"


@require_safe
def executions_compare(request: HttpRequest) -> HttpResponse:
    """`a` and `b` are the two; with one of them, a choice of what to compare it with. Two `id`s
    serve as well. `a` may be "previous": what ran before `b` of the same flow."""
    ids = request.GET.getlist("id")
    asked = [request.GET.get(name) or "" for name in ("a", "b")]
    if asked[0] == PREVIOUS:
        return _with_previous(request, access.get_or_404(request.user, _key(asked[1])))
    keys = [_key(text) for text in (*asked, *ids) if text]
    found = [access.get_or_404(request.user, key) for key in keys[:2]]
    context: dict[str, Any] = {"section": "executions"}
    if len(found) < 2:
        return _choice(request, found, context)
    problem = _problem(keys, found)
    if problem:
        context |= {"problem": problem, "executions": found}
        return _page(request, context, 422)
    context["comparison"] = Comparison(found[0], found[1], request.GET.get("workspace"))
    return _page(request, context)


def _problem(keys: list[UUID], found: list[Execution]) -> str:
    if len(keys) > 2:
        return f"Two executions can be compared, not {len(keys)}. Select two."
    if found[0].pk == found[1].pk:
        return "That is one execution. Choose another to compare it with."
    if found[0].version.flow_id != found[1].version.flow_id:
        names = " and ".join(f"“{execution.flow_name}”" for execution in found)
        return f"Executions of one flow can be compared; these are of {names}."
    return ""


def _with_previous(request: HttpRequest, one: Execution) -> HttpResponse:
    """Leads to the comparison with the execution of the flow that was started before this one, of
    those that the user may see; to a choice where there is none."""
    earlier = Q(started_at__lt=one.started_at) | Q(started_at=one.started_at, id__lt=one.pk)
    # The first condition says the same more roughly: an index begins there.
    same = access.visible(request.user).filter(flow_name=one.flow_name)
    rows = same.filter(earlier, started_at__lte=one.started_at)
    found = rows.order_by("-started_at", "-id").values_list("pk", flat=True).first()
    if found is None:
        context = {
            "section": "executions",
            "missing": "No execution of this flow that you may see was started before.",
        }
        return _choice(request, [one], context)
    query = urlencode({"a": found, "b": one.pk})
    return redirect(f"{reverse('executions-compare')}?{query}")


def _choice(request: HttpRequest, found: list[Execution], context: dict[str, Any]) -> HttpResponse:
    """The executions that one may be compared with: its origin, its retries, others of its flow."""
    if not found:
        context["problem"] = "Say which two executions: open one, and choose Compare with…"
        return _page(request, context, 422)
    one = found[0]
    near = Q(flow_name=one.flow_name) | Q(origin_id=one.pk) | Q(pk=one.origin_id)
    others = access.visible(request.user).filter(near).exclude(pk=one.pk)
    rows = others.order_by("-started_at", "-id").defer("inputs", "outputs", "state", "secrets")[
        :OFFERED
    ]
    base = reverse("executions-compare")
    context |= {
        "one": one,
        "offered": [(row, f"{base}?{urlencode({'a': row.pk, 'b': one.pk})}") for row in rows],
    }
    return _page(request, context)


def _page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    response = render(request, "executions/compare.html", context, status=status)
    return response


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404("There is no such execution, or you may not see it.") from None
