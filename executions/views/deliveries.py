"""The log of deliveries: every message to every recipient, and each attempt at it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from executions import audit
from executions.alerts import access, deliveries
from executions.alerts.messages import Message
from executions.commands.actor import Actor
from executions.models import Delivery
from executions.views.alerts import PAGE, tabs
from flows import administrators


def _visible(request: HttpRequest) -> QuerySet[Delivery]:
    if not access.may_edit_rules(request.user):
        raise PermissionDenied(
            f"Seeing deliveries takes the permission to edit alert rules. {administrators.ask()}"
        )
    return Delivery.objects.select_related("user", "channel", "alert__rule")


@require_safe
def delivery_list(request: HttpRequest) -> HttpResponse:
    """List deliveries, the newest first; `status` chooses those of one status."""
    found = _visible(request).order_by("-created_at", "-id")
    status = request.GET.get("status", "")
    if status in Delivery.Status.values:
        found = found.filter(status=status)
    context: dict[str, Any] = {
        "section": "alerts",
        "page": Paginator(found, PAGE).get_page(request.GET.get("page")),
        "status": status,
        "statuses": Delivery.Status.choices,
        "query": f"status={status}&" if status else "",
        **tabs(request, "deliveries"),
    }
    return render(request, "alerts/deliveries.html", {**context, "deliveries": context["page"]})


@require_safe
def delivery(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    """Show a delivery: what it says, and each attempt."""
    shown = _visible(request).filter(pk=delivery_id).first()
    if shown is None:
        raise Http404("This delivery does not exist.")
    context = {
        "section": "alerts",
        "delivery": shown,
        "message": Message.of(shown),
        "log": shown.log.all()[:200],
        "may_try": shown.status in (Delivery.Status.FAILED, Delivery.Status.WAITING),
        **tabs(request, "deliveries"),
    }
    return render(request, "alerts/delivery.html", context)


@require_POST
def try_again(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    """Send a delivery once more, now."""
    shown = _visible(request).filter(pk=delivery_id).first()
    if shown is None:
        raise Http404("This delivery does not exist.")
    if deliveries.try_again(shown):
        audit.record(
            Actor.of_request(request),
            "retry-delivery",
            subject=shown,
            detail=f"{shown.via}: {shown.pk}",
        )
        messages.success(request, "It is tried again now.")
    else:
        word = shown.get_status_display().lower()
        messages.error(request, f"It is {word}: there is nothing to try again.")
    return redirect("delivery", shown.pk)
