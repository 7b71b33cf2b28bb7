"""Commands from the page of an execution, and from the grid for selected executions."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from executions import idempotency
from executions.bulk import selected
from executions.commands.actor import Actor
from executions.commands.registry import COMMANDS
from executions.commands.run import CommandResult
from executions.models import BulkJob
from executions.states import Status
from executions.views import selection
from executions.views.bulk import redirect_to_job


@sensitive_post_parameters()
@require_POST
def command(request: HttpRequest, command: str) -> HttpResponse:
    """Execute a command for every execution that the form names, and report on each. Many of them
    make a job. The command gets the other fields of the form.

    Ids that do not exist are left out, as are those that the user may not see.
    """
    if command not in COMMANDS:
        raise Http404(f"There is no command {command}.")
    chosen = selection.read_selection(request.POST)
    answer = idempotency.run_once(request, lambda: _run(request, command, chosen))
    if "job" in answer:
        return redirect_to_job(request, UUID(answer["job"]))
    results = answer["results"]
    if getattr(request, "htmx", False):
        done = [result for result in results if result["done"]]
        left_out = [result["left_out"] for result in results if result["left_out"] and done]
        refused = [one for one in results if not one["done"] and not (one["left_out"] and done)]
        context = {
            "command": COMMANDS[command].label,
            "done": done,
            "left_out": dict(Counter(left_out)),
            "refused": refused,
            "silent": COMMANDS[command].quiet and bool(done) and not refused,
            # The grid's next key; the page of an execution renews its own when it shows what came
            # of the command (static/js/form-keys.js).
            "form": idempotency.new_key() if "query" in request.POST else "",
        }
        response = render(request, "executions/command_results.html", context)
        if results and not refused:
            # The form of the command closes; a refusal leaves it open.
            response["HX-Trigger"] = "command-done"
        return response
    _add_messages(request, command, results)
    return redirect_back(request)


def _run(request: HttpRequest, command: str, chosen: dict[UUID, Status | None]) -> dict[str, Any]:
    """Execute the command. Returns, as JSON, the results or the job that was created."""
    answer = selected.give(
        request.user,
        Actor.of_request(request),
        command,
        selection.command_fields(request.POST),
        chosen,
        child_first=selection.child_first(request.POST),
    )
    if isinstance(answer, BulkJob):
        return {"job": str(answer.pk)}
    seen = selection.seen_statuses(chosen)
    return {
        "results": [
            {
                "url": result.execution.get_absolute_url(),
                "flow": result.execution.flow_name,
                "done": result.done,
                "detail": result.detail,
                "left_out": _left_out(command, result, seen),
            }
            for result in answer
        ]
    }


def _left_out(command: str, result: CommandResult, seen: Mapping[UUID, Status]) -> str:
    """The status in which the person saw an execution, if the command does not apply to it: the
    button said that such executions are left out."""
    was = seen.get(result.execution.pk)
    if result.done or was is None:
        return ""
    applied = COMMANDS[command].applies(was, unhandled=result.execution.unhandled)
    return "" if applied else str(was)


def redirect_back(request: HttpRequest) -> HttpResponse:
    """Redirect to the page that a form without scripts came from."""
    address = request.POST.get("next") or request.META.get("HTTP_REFERER", "")
    safe = url_has_allowed_host_and_scheme(address, {request.get_host()}, request.is_secure())
    # Not `redirect(address)`, which would take a single word for the name of a view.
    return HttpResponseRedirect(address) if safe else redirect("executions")


def _add_messages(request: HttpRequest, command: str, results: list[dict[str, Any]]) -> None:
    label = COMMANDS[command].label
    done = sum(result["done"] for result in results)
    if done == len(results) == 1:
        one = results[0]
        messages.success(request, f"{label}: {one['flow']}, {one['detail'] or 'done'}")
    elif done:
        messages.success(request, f"{label}: {done} of {len(results)} done.")
    if not results:
        messages.warning(request, "Select executions first.")
    refused = [result for result in results if not result["done"]]
    if len(refused) > 10:
        for reason, number in Counter(result["detail"] for result in refused).most_common():
            messages.error(request, f"{number} were refused: {reason}")
        return
    for result in refused:
        messages.error(request, f"{result['flow']}: {result['detail']}")
