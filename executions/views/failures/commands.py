"""Commands on a failure group from its page, and the names of the people who see it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from executions import idempotency
from executions.commands.actor import Actor
from executions.failures import access
from executions.failures.commands.registry import COMMANDS
from executions.failures.commands.run import run

#: Fields of the form that are none of the command.
_OURS = ("csrfmiddlewaretoken", "form", "revision", "next")
#: Characters of a field.
LONGEST = 20_000


@require_POST
def failure_command(request: HttpRequest, group_id: UUID, command: str) -> HttpResponse:
    """Give a command to a group. The form names the `revision` that the page showed."""
    if command not in COMMANDS:
        raise Http404(f"There is no command {command}.")
    group = access.get_or_404(request.user, group_id)
    fields = {
        name: str(value)[:LONGEST] for name, value in request.POST.items() if name not in _OURS
    }

    def execute() -> dict[str, Any]:
        actor = Actor.of_request(request)
        seen = _revision(request)
        result = run(command, group, request.user, actor, fields, seen)
        return {"done": result.done, "detail": result.detail}

    answer = idempotency.run_once(request, execute)
    if getattr(request, "htmx", False):
        response = render(request, "failures/answer.html", {"answer": answer})
        if answer["done"]:
            response["HX-Trigger"] = "command-done"
        return response
    if not answer["done"]:
        messages.error(request, answer["detail"])
    return HttpResponseRedirect(f"{group.get_absolute_url()}#activity")


@require_safe
def failure_people(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """List the people who see a group and whose names begin with `q`."""
    group = access.get_or_404(request.user, group_id)
    typed = request.GET.get("q", "").replace("\0", "").strip().removeprefix("@")[:150]
    context = {"people": access.people(group, typed)}
    response = render(request, "failures/people.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _revision(request: HttpRequest) -> int | None:
    text = request.POST.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
