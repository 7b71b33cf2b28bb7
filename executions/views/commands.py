"""Giving commands: to one execution from its page, or to those that are selected in the grid."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from executions import access
from executions.commands.actor import Actor
from executions.commands.control import COMMANDS, Result, control
from executions.states import words

#: Executions that one request may name; a page shows fewer.
AT_ONCE = 200
#: Fields of a form that are no business of the command.
_OURS = frozenset({"id", "next", "command", "csrfmiddlewaretoken"})


@require_POST
def command(request: HttpRequest, command: str) -> HttpResponse:
    """Give a command to every execution named by an `id` field, and report on each. The other
    fields of the form are what the command takes.

    Ids that do not exist, or that the user may not see, are left out alike.
    """
    if command not in COMMANDS:
        raise Http404(f"There is no command {command}.")
    ids = [found for text in request.POST.getlist("id")[:AT_ONCE] if (found := uuid_of(text))]
    actor = Actor.of_request(request)
    executions = access.visible(request.user).filter(pk__in=ids).order_by("started_at")
    fields = {name: str(value) for name, value in request.POST.items() if name not in _OURS}
    results = [control(command, request.user, execution, actor, fields) for execution in executions]
    if getattr(request, "htmx", False):
        context = {"command": command, "results": results}
        response = render(request, "executions/command_results.html", context)
        if results and all(result.done for result in results):
            # What was filled in for it may close; a refusal leaves it open.
            response["HX-Trigger"] = "command-done"
        return response
    _tell(request, command, results)
    back = request.POST.get("next") or request.META.get("HTTP_REFERER", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    # Not `redirect(back)`, which would take a single word for the name of a view.
    return HttpResponseRedirect(back) if safe else redirect("executions")


def _tell(request: HttpRequest, command: str, results: list[Result]) -> None:
    done = sum(result.done for result in results)
    if done:
        messages.success(request, f"{words(command)}: {done} of {len(results)} done.")
    if not results:
        messages.warning(request, "Select executions first.")
    for result in results:
        if not result.done:
            messages.error(request, f"{result.execution.flow_name}: {result.detail}")


def uuid_of(text: str) -> UUID | None:
    """The id that a text is, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None
