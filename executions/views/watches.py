"""Watch executions: get a notice, on any page, when they need a person or end."""

import json

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from executions import access
from executions import watches as store
from executions.alerts import notifications
from executions.events import WATCHES_CHANGED
from executions.publishing import announce
from executions.views import selection
from executions.views.commands import redirect_back


@require_http_methods(["GET", "HEAD", "POST"])
def watches(request: HttpRequest) -> HttpResponse:
    """Return the user with the token of their forms, what they watch, and what they have not read
    of that and of the bell, as JSON.

    A POST watches the executions that the form names, or with `on` 0 unwatches them. `read` with a
    `revision` marks a notice as read.
    """
    user_id = request.user.pk or 0
    if request.method != "POST":
        response = JsonResponse(
            {
                "user": str(user_id),
                "csrf": get_token(request),
                "ids": store.watched_ids(user_id),
                "unread": store.unread(user_id, access.visible(request.user)),
                "notifications": notifications.summary(request.user),
            }
        )
        response["Cache-Control"] = "no-store"
        return response
    if known := selection.read_ids(request.POST.getlist("read")[:1]):
        revision = request.POST.get("revision", "")
        is_number = revision.isascii() and revision.isdigit() and len(revision) < 19
        if is_number and store.mark_read(user_id, known[0], int(revision)):
            ids = [str(known[0])]
            announce({"type": WATCHES_CHANGED, "user": user_id, "ids": ids, "on": False})
        return HttpResponse(status=204)
    return _change(request, user_id)


def _change(request: HttpRequest, user_id: int) -> HttpResponse:
    chosen = list(selection.read_selection(request.POST))
    on = request.POST.get("on") != "0"
    if on:
        ids = store.watch(user_id, access.visible(request.user).filter(pk__in=chosen))
    else:
        store.unwatch(user_id, chosen)
        ids = [str(one) for one in chosen]
    announce({"type": WATCHES_CHANGED, "user": user_id, "ids": ids, "on": on})
    text = _summary(len(ids), len(chosen), on)
    if not getattr(request, "htmx", False):
        (messages.success if ids else messages.warning)(request, text)
        return redirect_back(request)
    context = {"text": text, "good": bool(ids)}
    response = render(request, "executions/watch_results.html", context)
    response["HX-Trigger"] = json.dumps({"live:watches": {"ids": ids, "on": on}})
    return response


def _summary(count: int, asked: int, on: bool) -> str:
    if not asked:
        return "Select executions first."
    if not count:
        return (
            "Nothing to watch: they have ended or no longer exist, or you already watch "
            f"{store.LIMIT} executions."
        )
    what = f"{count} execution{'' if count == 1 else 's'}"
    if not on:
        return f"You no longer watch {what}."
    rest = f" The other {asked - count} have ended." if count < asked else ""
    return f"You watch {what}. You get a notice when they end or wait for a person.{rest}"
