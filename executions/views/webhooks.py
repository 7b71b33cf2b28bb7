"""The pages of webhooks: their list, the form of one, the sample on which it is tried, and the
requests that are kept."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Max, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from executions import access as executions_access
from executions.alerts.messages import absolute
from executions.commands.actor import Actor
from executions.limits import WEBHOOK_REQUESTS_KEPT
from executions.models import Execution, Webhook, WebhookRequest
from executions.views import shown_secrets
from executions.views.parts import Part, changed, held
from executions.webhooks import access, changes
from executions.webhooks.forms import InputsForm, SampleForm, WebhookForm
from executions.webhooks.mapping import MappingProblem, evaluate, is_met, map_inputs
from executions.webhooks.requests import NAMES, Received, Unreadable, shown_body
from flows import access as flows_access
from flows import pretty_json, queries, values
from flows.graph import FlowGraph
from flows.models import Flow
from flows.validation import check_inputs

_CHANGED = "Somebody else has changed it meanwhile. Look at it again, then change it."
#: Webhooks that the list shows, and characters of a value that the page shows.
_LISTED = 500
_SHOWN = 2_000
_REQUESTS = Part("requests", "webhooks/requests.html")
_Outcome = WebhookRequest.Outcome


@require_safe
def webhook_list(request: HttpRequest) -> HttpResponse:
    """List the webhooks of the flows that the user may see."""
    lately = Q(requests__outcome=_Outcome.STARTED)
    refused = ~lately & ~Q(requests__outcome=_Outcome.REPEATED) & Q(requests__isnull=False)
    found = access.webhooks(request.user).annotate(
        started=Count("requests", filter=lately),
        others=Count("requests", filter=refused),
        last_at=Max("requests__at"),
    )
    context = {
        "section": "webhooks",
        "tab": "webhooks",
        "webhooks": found.order_by("flow__name", "name", "id")[:_LISTED],
        "flows": changeable_flows(request),
    }
    return render(request, "webhooks/list.html", context)


def changeable_flows(request: HttpRequest) -> list[Flow]:
    """Return the flows whose webhooks and chains the user may change."""
    visible = flows_access.visible(request.user).order_by("name")[:_LISTED]
    return [flow for flow in visible if access.may_change(request.user, flow)]


def changeable_flow(request: HttpRequest, name: str) -> Flow:
    """Return a flow whose webhooks and chains the user may change. Raises PermissionDenied."""
    flow = flows_access.get(request.user, name)
    if not access.may_change(request.user, flow):
        raise PermissionDenied(access.not_allowed(flow))
    return flow


def graph_of(flow: Flow) -> FlowGraph | None:
    """Return what would be started of a flow; None when nothing is published."""
    version = queries.latest_published(flow.name)
    return queries.compiled(version.pk) if version else None


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def new_webhook(request: HttpRequest) -> HttpResponse:
    """Show the form of a new webhook of a flow; a POST makes it, and leads to its page."""
    flow = changeable_flow(request, request.GET.get("flow", ""))
    return _form_page(request, Webhook(flow=flow, name=f"Start {flow.name}"[:80]))


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Show a webhook, to those who may change it as a form; a POST changes it."""
    found = access.get_webhook_or_404(request.user, webhook_id)
    if request.method == "POST" and not access.may_change(request.user, found.flow):
        raise PermissionDenied(access.not_allowed(found.flow))
    return _form_page(request, found)


def _form_page(request: HttpRequest, shown: Webhook) -> HttpResponse:
    is_new = shown.pk is None
    form = WebhookForm(graph_of(shown.flow), request.POST or None, instance=shown)
    if request.method == "POST" and save_form(request, form):
        if is_new and shown.scheme != Webhook.Scheme.ADDRESS:
            shown_secrets.show_next(request, shown)
        messages.success(request, f"{shown.name} is saved.")
        return redirect("webhook", shown.pk)
    return _page(request, shown, form)


def save_form(request: HttpRequest, form: InputsForm) -> bool:
    """Save the webhook or chain of a form; otherwise the form says why it is not saved."""
    if not form.is_valid():
        return False
    shown = form.instance
    if (revision := form.cleaned_data["revision"]) is not None:
        shown.revision = revision
    try:
        changes.save(request.user, Actor.of_request(request), shown)
    except changes.Changed:
        form.add_error(None, _CHANGED)
    except changes.TooMany as problem:
        form.add_error(None, str(problem))
    return not form.errors


def _page(request: HttpRequest, shown: Webhook, form: WebhookForm) -> HttpResponse:
    may_change = access.may_change(request.user, shown.flow)
    secret = shown_secrets.take(request, shown) if may_change else ""
    kept = list(shown.requests.all()[:WEBHOOK_REQUESTS_KEPT]) if shown.pk else []
    sample = _sample(request, shown, kept) if may_change else None
    context = {
        "section": "webhooks",
        "webhook": shown,
        "form": form,
        "secret": secret,
        "address": absolute(hook_path(shown)),
        "may_change": may_change,
        "requests": kept,
        "sample": SampleForm(initial=SampleForm.of_kept(sample)) if sample else SampleForm(),
        "names": NAMES,
        "action": request.get_full_path() if shown.pk is None else shown.get_absolute_url(),
    }
    if shown.pk:
        context["parts"] = {"requests": _REQUESTS.element(request, context)}
    status = 422 if form.errors else 200
    response = render(request, "webhooks/webhook.html", context, status=status)
    if secret:
        response["Cache-Control"] = "no-store"
    return response


def hook_path(shown: Webhook) -> str:
    """Return where requests to a webhook go."""
    return reverse("hook", args=[shown.key])


def _sample(request: HttpRequest, shown: Webhook, kept: list[WebhookRequest]) -> Received | None:
    """Return the request that the page begins with: the one that was asked for, else the last."""
    wanted = request.GET.get("sample", "")
    chosen = next((one for one in kept if str(one.pk) == wanted), kept[0] if kept else None)
    if chosen is None:
        return None
    again = Received.again(chosen, timezone.now())
    body = shown_body(chosen) or ""
    return Received(again.at, again.method, again.headers, again.query, body.encode())


@sensitive_post_parameters()
@require_POST
def try_webhook(request: HttpRequest) -> HttpResponse:
    """Say what a request would start: by the fields of a form that nobody has saved."""
    flow = changeable_flow(request, request.GET.get("flow", ""))
    saved = (
        access.webhooks(request.user).filter(flow=flow, pk=_number(request.GET.get("id"))).first()
    )
    shown = saved or Webhook(flow=flow)
    form = WebhookForm(graph_of(flow), request.POST, instance=shown)
    form.full_clean()
    sample = SampleForm(request.POST)
    context: dict[str, Any] = {"webhook": shown}
    if form.graph is None:
        context["problem"] = "The flow has no published version, so it cannot be started."
    elif unread := [f"{form[n].label}: {one}" for n in form.expressions for one in form[n].errors]:
        context["problem"] = " ".join(unread)
    elif not sample.is_valid():
        context["problem"] = " ".join(str(one) for all in sample.errors.values() for one in all)
    else:
        try:
            received = sample.received(timezone.now())
            context |= _tried(shown, form.graph, received.variables(shown))
        except (ValidationError, Unreadable) as problem:
            context["problem"] = " ".join(getattr(problem, "messages", [str(problem)]))
    return render(request, "webhooks/tried.html", context)


def _number(text: str | None) -> int:
    """Return the id that an address names; 0 for none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else 0


def _tried(shown: Webhook, graph: FlowGraph, given: dict[str, Any]) -> dict[str, Any]:
    """Return what the expressions of a webhook give of a request."""
    try:
        matches = is_met(shown.condition, given)
        told_id = evaluate(shown.message_id, given) if shown.message_id.strip() else None
    except MappingProblem as problem:
        return {"problem": f"The condition or the id cannot be evaluated: {problem}"}
    mapped = map_inputs(graph, {**shown.inputs, **shown.secret_inputs}, given)
    told = [] if mapped.problems else check_inputs(graph, mapped.values)
    secret = {one.name for one in graph.inputs if one.is_secret}
    rows = [
        {
            "name": one.name,
            "text": _text(values.MASK if one.name in secret else mapped.values[one.name])
            if one.name in mapped.values
            else "",
            "is_given": one.name in mapped.values,
            "problem": mapped.problems.get(one.name, ""),
        }
        for one in graph.inputs
    ]
    return {
        "matches": matches,
        "message_id": _text(told_id) if told_id is not None else "",
        "inputs": rows,
        "messages": told,
        "starts": matches and not mapped.problems and not told,
    }


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else pretty_json.text(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


@require_POST
def webhook_secret(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Lead to the page of a webhook, which shows its secret once: the one that it has, or a new
    one."""
    found = access.get_webhook_or_404(request.user, webhook_id)
    _require_permission(request, found)
    give = changes.rotate if "new" in request.POST else changes.reveal
    give(request.user, Actor.of_request(request), found)
    shown_secrets.show_next(request, found)
    return redirect("webhook", found.pk)


@require_POST
def delete_webhook(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Delete a webhook."""
    found = access.get_webhook_or_404(request.user, webhook_id)
    _require_permission(request, found)
    changes.delete(request.user, Actor.of_request(request), found)
    messages.success(request, f"{found.name} is deleted.")
    return redirect("webhooks")


@require_safe
@never_cache
def webhook_requests(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """The last requests to a webhook, when they differ from those that the browser holds."""
    found = access.get_webhook_or_404(request.user, webhook_id)
    context = {
        "webhook": found,
        "requests": found.requests.all()[:WEBHOOK_REQUESTS_KEPT],
        "may_change": access.may_change(request.user, found.flow),
    }
    return HttpResponse(changed([_REQUESTS], request, context, held(request)))


@require_safe
def webhook_request(request: HttpRequest, webhook_id: int, request_id: UUID) -> HttpResponse:
    """Show a request that is kept. Only people who may change the webhook see its content."""
    found = access.get_webhook_or_404(request.user, webhook_id)
    kept = _kept(found, request_id)
    content = kept.content or {}
    started = Execution.objects.none()
    if kept.execution_id:
        started = executions_access.visible(request.user).filter(pk=kept.execution_id)
    context = {
        "section": "webhooks",
        "webhook": found,
        "kept": kept,
        "execution": started.first(),
        "may_change": access.may_change(request.user, found.flow),
        "headers": sorted(content.get("headers", {}).items()),
        "query": content.get("query", ""),
        "body": shown_body(kept),
    }
    return render(request, "webhooks/request.html", context)


@require_POST
def replay_request(request: HttpRequest, webhook_id: int, request_id: UUID) -> HttpResponse:
    """Send a request that is kept again."""
    found = access.get_webhook_or_404(request.user, webhook_id)
    _require_permission(request, found)
    kept = _kept(found, request_id)
    if "body" not in (kept.content or {}):
        messages.error(request, "Its body was too large to be kept, so it cannot be sent again.")
        return redirect(kept)
    answer = changes.replay(request.user, Actor.of_request(request), found, kept)
    if answer.execution_id is None:
        messages.error(request, f"Nothing was started. {answer.why}")
        return redirect("webhook", found.pk)
    messages.success(request, "It was sent again.")
    return redirect("execution", answer.execution_id)


def _require_permission(request: HttpRequest, found: Webhook) -> None:
    if not access.may_change(request.user, found.flow):
        raise PermissionDenied(access.not_allowed(found.flow))


def _kept(found: Webhook, request_id: UUID) -> WebhookRequest:
    kept = found.requests.filter(pk=request_id).first()
    if kept is None:
        raise Http404("This request is not kept any more.")
    return kept
