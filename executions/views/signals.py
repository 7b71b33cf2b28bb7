"""The signals that wait to be taken, and the executions that wait for one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from executions import signals
from executions.commands.actor import Actor
from executions.views.parts import Part
from executions.views.storage import COUNTED, PAGE, Capped, asked_for, rows_of, shown

_LIST = Part("signals", "storage/signals_table.html", "stored-list")


@require_safe
@never_cache
def signal_list(request: HttpRequest) -> HttpResponse:
    """List the signals that nobody has taken, the oldest first, and the executions that wait for
    one; `q` is the beginning of a name."""
    asked = asked_for(request)
    found, waiting = signals.visible(request.user), signals.waiting(request.user)
    if asked:
        found, waiting = (
            found.filter(name__startswith=asked),
            waiting.filter(name__startswith=asked),
        )
    page = Capped(found.order_by("id"), PAGE).get_page(request.GET.get("page"))
    listed = list(waiting.order_by("id")[: PAGE + 1])
    context = {
        "section": "storage",
        "q": asked,
        "page": page,
        "counted": COUNTED,
        "rows": rows_of(request, page),
        "waiting": listed[:PAGE],
        "has_more": len(listed) > PAGE,
        "may_see": signals.may_see(request.user),
        "may_delete": signals.may_delete(request.user),
    }
    return shown(request, "storage/signals.html", context, _LIST)


@require_POST
def delete_signal(request: HttpRequest, signal_id: int) -> HttpResponse:
    """Delete a signal that nobody has taken."""
    deleted = signals.delete(request.user, Actor.of_request(request), signal_id)
    messages.success(request, f"The signal {deleted} is deleted.")
    return redirect("signals")
