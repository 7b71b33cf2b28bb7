"""The pages of chains: which executions start when others end."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from executions import access as executions_access
from executions.commands.actor import Actor
from executions.models import Chain, ChainStart
from executions.views.webhooks import changeable_flow, changeable_flows, graph_of, save_form
from executions.webhooks import access, changes
from executions.webhooks.chains import NAMES
from executions.webhooks.forms import ChainForm
from flows import access as flows_access

#: Chains that the list shows, and ends that the page of one shows.
_LISTED = 500
_ENDS = 50


@require_safe
def chain_list(request: HttpRequest) -> HttpResponse:
    """List the chains between flows that the user may see."""
    visible = flows_access.visible(request.user).order_by("name")[:_LISTED]
    context = {
        "section": "webhooks",
        "tab": "chains",
        "chains": access.chains(request.user)[:_LISTED],
        "flows": changeable_flows(request),
        "targets": [flow for flow in visible if flows_access.may_start(request.user, flow)],
    }
    return render(request, "webhooks/chains.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def new_chain(request: HttpRequest) -> HttpResponse:
    """Show the form of a new chain from one flow to another; a POST makes it."""
    flow = changeable_flow(request, request.GET.get("flow", ""))
    target = flows_access.get(request.user, request.GET.get("target", ""))
    if not flows_access.may_start(request.user, target):
        raise PermissionDenied("You may not start the flow that the chain would start.")
    return _form_page(request, Chain(flow=flow, target=target))


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def chain(request: HttpRequest, chain_id: int) -> HttpResponse:
    """Show a chain, to those who may change it as a form; a POST changes it."""
    found = access.get_chain_or_404(request.user, chain_id)
    if request.method == "POST":
        _require_permission(request, found)
    return _form_page(request, found)


def _form_page(request: HttpRequest, shown: Chain) -> HttpResponse:
    form = ChainForm(graph_of(shown.target), request.POST or None, instance=shown)
    if request.method == "POST" and save_form(request, form):
        messages.success(request, f"The chain from {shown.flow} to {shown.target} is saved.")
        return redirect("chains")
    context = {
        "section": "webhooks",
        "chain": shown,
        "form": form,
        "names": NAMES,
        "may_change": access.may_change(request.user, shown.flow),
        "ends": _ends(request, shown) if shown.pk else [],
    }
    status = 422 if form.errors else 200
    return render(request, "webhooks/chain.html", context, status=status)


def _ends(request: HttpRequest, shown: Chain) -> list[dict[str, Any]]:
    """Return the last ends that concerned a chain, with the executions that the user may see."""
    rows = list(shown.starts.all()[:_ENDS])
    ids = {one for row in rows for one in (row.source_id, row.started_id) if one}
    visible = executions_access.visible(request.user).in_bulk(ids)
    return [
        {
            "row": row,
            "source": visible.get(row.source_id),
            "started": visible.get(row.started_id),
            "is_bad": row.outcome == ChainStart.Outcome.FAILED,
        }
        for row in rows
    ]


@require_POST
def delete_chain(request: HttpRequest, chain_id: int) -> HttpResponse:
    """Delete a chain."""
    found = access.get_chain_or_404(request.user, chain_id)
    _require_permission(request, found)
    name = str(found)
    changes.delete(request.user, Actor.of_request(request), found)
    messages.success(request, f"The chain {name} is deleted.")
    return redirect("chains")


def _require_permission(request: HttpRequest, found: Chain) -> None:
    if not access.may_change(request.user, found.flow):
        raise PermissionDenied(access.not_allowed(found.flow))
    if not flows_access.may_start(request.user, found.target):
        raise PermissionDenied("You may not start the flow that the chain starts.")
