"""The notifications of a user: the menu of the bell, and their history."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from executions.alerts import notifications
from executions.alerts.messages import Message
from executions.models import Delivery
from executions.views.preferences import back

#: Notifications in the menu of the bell, and on a page.
_MENU, _PAGE = 8, 50


@require_safe
def notification_list(request: HttpRequest) -> HttpResponse:
    """List what the user was told, the newest first; with `menu`, the first ones only."""
    found = notifications.latest(request.user)
    if "menu" in request.GET:
        items = [_item(one) for one in found[:_MENU]]
        return render(request, "alerts/notification_menu.html", {"items": items})
    page = Paginator(found, _PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "items": [_item(one) for one in page], "section": "notifications"}
    return render(request, "alerts/notifications.html", context)


def _item(delivery: Delivery) -> dict[str, object]:
    return {"delivery": delivery, "message": Message.of(delivery)}


@require_safe
def open_notification(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    """Lead to what a notification is about. The page marks it as read by its link."""
    found = notifications.latest(request.user).filter(pk=delivery_id).first()
    if found is None:
        return redirect("notifications")
    notifications.mark_read(request.user, [delivery_id])
    return redirect(Message.of(found).address or "notifications")


@require_POST
def read_notifications(request: HttpRequest) -> HttpResponse:
    """Mark all notifications of the user as read."""
    notifications.mark_read(request.user)
    if getattr(request, "htmx", False):
        items = [_item(one) for one in notifications.latest(request.user)[:_MENU]]
        return render(request, "alerts/notification_menu.html", {"items": items})
    messages.success(request, "All notifications are marked as read.")
    return HttpResponseRedirect(back(request, "notifications"))
