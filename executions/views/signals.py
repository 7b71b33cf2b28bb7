"""The signals that wait to be taken, and the executions that wait for one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from executions import flow_signals, shared_values
from executions.commands.actor import Actor
from executions.list_pages import COUNTED, PAGE_SIZE, capped_page, search_text
from executions.views.parts import Part, list_page

_LIST = Part("stored", "storage/signals_table.html", "stored-list")


@require_safe
@never_cache
def signal_list(request: HttpRequest) -> HttpResponse:
    """List the signals that nobody has taken, the oldest first, and the executions that wait for
    one; `q` is the beginning of a name."""
    asked = search_text(request.GET)
    found, waiting = flow_signals.visible(request.user), flow_signals.waiting(request.user)
    if asked:
        found, waiting = (
            found.filter(name__startswith=asked),
            waiting.filter(name__startswith=asked),
        )
    page = capped_page(found.order_by("id"), request.GET.get("page"))
    listed = list(waiting.order_by("id")[: PAGE_SIZE + 1])
    context = {
        "section": "storage",
        "q": asked,
        "page": page,
        "counted": COUNTED,
        "rows": shared_values.read(request.user, page),
        "waiting": listed[:PAGE_SIZE],
        "has_more": len(listed) > PAGE_SIZE,
        "may_see": flow_signals.may_see(request.user),
        "may_delete": flow_signals.may_delete(request.user),
    }
    return list_page(request, "storage/signals.html", context, _LIST)


@require_safe
@never_cache
def signal(request: HttpRequest, signal_id: int) -> HttpResponse:
    """Show a signal that nobody has taken, with its payload."""
    found = flow_signals.get_or_404(request.user, signal_id)
    (row,) = shared_values.read(request.user, [found])
    context = {
        "section": "storage",
        "row": row,
        "may_delete": flow_signals.may_delete(request.user),
    }
    return render(request, "storage/signal.html", context)


@require_POST
def delete_signal(request: HttpRequest, signal_id: int) -> HttpResponse:
    """Delete a signal that nobody has taken."""
    deleted = flow_signals.delete(request.user, Actor.of_request(request), signal_id)
    messages.success(request, f"The signal {deleted} is deleted.")
    return redirect("signals")
