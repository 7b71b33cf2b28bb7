"""Previews retrying the executions of a failure group, and creates the job."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from executions import idempotency
from executions.bulk import retry_group
from executions.bulk.retry_group import MOST_AT_A_TIME, STOP_AFTER, Choices, RetryGroup
from executions.commands.actor import Actor
from executions.failures import access as failures_access
from executions.views.bulk import redirect_to_job
from flows import access as flows_access


@require_http_methods(["GET", "HEAD", "POST"])
def failure_retry(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """Preview a retry of a group; when posted, create the job. htmx gets what a dialog shows."""
    found = failures_access.get_or_404(request.user, group_id)
    group = RetryGroup(request.user, found)
    problem = "" if flows_access.may_start(request.user, found.flow) else "You may not start flows."
    choices = Choices()
    if request.method == "POST" and not problem:
        choices, problem = _read(request)
        if not problem and not group.counts["start"]:
            problem = "No execution is left to start again."
        if not problem:
            answer = idempotency.run_once(request, lambda: _create(request, group, choices))
            return redirect_to_job(request, UUID(answer["job"]))
    is_part = bool(getattr(request, "htmx", False))
    context: dict[str, Any] = {
        "section": "failures",
        "group": found,
        "retry": group,
        "choices": choices,
        "stop_after": STOP_AFTER,
        "most": MOST_AT_A_TIME,
        "estimate": group.seconds * group.counts["start"] / max(choices.at_a_time, 1),
        "problem": problem,
        "form": idempotency.new_key(),
        "in_dialog": is_part,
    }
    template = "failures/retry_form.html" if is_part else "failures/retry_page.html"
    response = render(request, template, context)
    response["Vary"] = "HX-Request, Cookie"
    return response


def _read(request: HttpRequest) -> tuple[Choices, str]:
    """What was chosen, and what is wrong with it."""
    text = request.POST.get("at_a_time", "").strip()
    is_number = text.isascii() and text.isdigit() and len(text) < 6
    number = int(text) if is_number else 0
    problem = "" if 1 <= number <= MOST_AT_A_TIME else f"At a time: from 1 to {MOST_AT_A_TIME:,}."
    choices = Choices(
        from_start=request.POST.get("from") == "start",
        newest=request.POST.get("version") == "newest",
        at_a_time=number or retry_group.AT_A_TIME,
        one_first="one_first" in request.POST,
    )
    return choices, problem


def _create(request: HttpRequest, group: RetryGroup, choices: Choices) -> dict[str, str]:
    job = retry_group.create_job(Actor.of_request(request), group, choices)
    return {"job": str(job.pk)}
