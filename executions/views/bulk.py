"""Bulk commands: previews of a command for all executions that match, and the jobs that run it."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from executions import access, idempotency
from executions.appearance import command_label
from executions.bulk import jobs, targets
from executions.bulk.preview import count, preview
from executions.commands.actor import Actor
from executions.commands.command import Bulk
from executions.commands.registry import COMMANDS
from executions.grid.query.filters import Filters
from executions.grid.table.layout import ChildOrder
from executions.models import BulkJob, BulkResult
from executions.views.action_bar import commands_for

#: Jobs on the list of the newest ones, reasons on a job's page, refusals of a reason there,
#: and results on a page of theirs.
LISTED_LIMIT = 50
REASONS = 20
SHOWN = 5
PAGE = 200
Outcome = BulkResult.Outcome


@require_http_methods(["GET", "HEAD", "POST"])
def bulk(request: HttpRequest, command: str) -> HttpResponse:
    """Preview a command for all executions that match the filters of the address; when posted,
    create the job. htmx gets the part that a dialog shows."""
    if command not in COMMANDS or COMMANDS[command].bulk is not Bulk.MATCHING:
        raise Http404(f"There is no command {command} for many.")
    filters = Filters.parse(request.GET)
    if request.method == "POST" and filters.are_understood:
        answer = idempotency.run_once(request, lambda: _create_job(request, command, filters))
        return redirect_to_job(request, UUID(answer["job"]))
    child_first = request.GET.get("children") == ChildOrder.CHILD_FIRST
    order = [("children", str(ChildOrder.CHILD_FIRST))] if child_first else []
    address = urlencode(filters.parameters() + order)
    context = {
        "section": "executions",
        "command": command,
        "word": COMMANDS[command].label,
        "warning": COMMANDS[command].warning,
        "is_dangerous": COMMANDS[command].is_dangerous,
        "preview": preview(request.user, filters, command, timezone.now(), child_first=child_first),
        "child_first": child_first,
        "filters": _filter_terms(filters),
        "problems": filters.problems,
        "address": f"?{address}" if address else "",
        "others": [(one.name, one.label) for one in commands_for(request.user, Bulk.MATCHING)],
        "form": idempotency.new_key(),
        "in_dialog": _is_fragment(request),
    }
    template = (
        "executions/bulk/confirm.html" if _is_fragment(request) else "executions/bulk/preview.html"
    )
    response = render(request, template, context)
    response["Vary"] = "HX-Request, Cookie"
    return response


def _create_job(request: HttpRequest, command: str, filters: Filters) -> dict[str, str]:
    rows = targets.matching(request.user, filters, command, timezone.now())
    target = targets.Target(
        filters=urlencode(filters.parameters()),
        child_first=request.GET.get("children") == ChildOrder.CHILD_FIRST,
    )
    job = jobs.create(Actor.of_request(request), command, {}, target, count(rows))
    return {"job": str(job.pk)}


def redirect_to_job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Redirect to the page of a job; htmx gets the line that follows the job below the grid."""
    if not _is_fragment(request):
        return redirect("bulk-job", job_id)
    context = {
        **_job_context(get_object_or_404(_jobs(request), pk=job_id)),
        "begun": True,
        # The next key of the grid's own form.
        "form": idempotency.new_key() if "query" in request.POST else "",
    }
    response = render(request, "executions/bulk/strip.html", context)
    response["HX-Retarget"] = "#job-strips"
    response["HX-Reswap"] = "beforeend"
    return response


def _is_fragment(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


@require_safe
def bulk_jobs(request: HttpRequest) -> HttpResponse:
    """The newest jobs of the user."""
    found = list(_jobs(request).order_by("-created_at")[:LISTED_LIMIT])
    context = {"section": "executions", "jobs": [_job_context(job) for job in found]}
    return render(request, "executions/bulk/jobs.html", context)


@require_safe
def bulk_job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Show the progress of a job, and what was refused and why. htmx gets the part of the page that
    changes, or the line that follows the job below the grid."""
    job = get_object_or_404(_jobs(request), pk=job_id)
    target = request.headers.get("HX-Target")
    if _is_fragment(request) and target != "progress":
        response = render(request, "executions/bulk/strip.html", _job_context(job))
    else:
        context = {"section": "executions", **_job_context(job), "reasons": _reasons(job)}
        template = "executions/bulk/progress.html" if target else "executions/bulk/job.html"
        response = render(request, template, context)
    response["Vary"] = "HX-Request, HX-Target, Cookie"
    return response


@require_safe
def bulk_results(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """List what became of each execution of a job, a page at a time: all, those with one outcome,
    or those that were refused for one reason."""
    job = get_object_or_404(_jobs(request), pk=job_id)
    asked = {name: request.GET.get(name, "") for name in ("outcome", "reason")}
    after = request.GET.get("after", "")
    rows = BulkResult.objects.filter(job=job)
    if asked["outcome"] in Outcome.values:
        rows = rows.filter(outcome=asked["outcome"])
    if asked["reason"]:
        rows = rows.filter(outcome=Outcome.REFUSED, detail=asked["reason"])
    if after.isascii() and after.isdigit() and len(after) < 19:
        rows = rows.filter(pk__gt=int(after))
    found = list(rows.order_by("pk")[: PAGE + 1])
    more = ""
    if len(found) > PAGE:
        found = found[:PAGE]
        more = "?" + urlencode({**asked, "after": found[-1].pk})
    context = {
        "section": "executions",
        **_job_context(job),
        "results": _with_started(request, found),
        "outcomes": Outcome.choices,
        **asked,
        "more": more,
    }
    return render(request, "executions/bulk/results.html", context)


def _with_started(request: HttpRequest, results: list[BulkResult]) -> list[dict[str, Any]]:
    """Results with the executions that were started, as these are now."""
    keys = [one.started_as for one in results if one.started_as]
    shown = access.visible(request.user).only("id", "status", "unhandled", "place", "reason")
    started = shown.in_bulk(keys)
    return [
        {"result": one, "started": started.get(one.started_as) if one.started_as else None}
        for one in results
    ]


@require_POST
def bulk_control(request: HttpRequest, job_id: UUID, control: str) -> HttpResponse:
    """Cancel or suspend a job after the batch that is running, or resume it."""
    if control not in jobs.CONTROLS:
        raise Http404(f"A job cannot be told to {control}.")
    job = get_object_or_404(_jobs(request), pk=job_id)
    change, refusal = jobs.CONTROLS[control]
    if not change(job):
        messages.warning(request, refusal)
    return redirect(job)


def _jobs(request: HttpRequest) -> QuerySet[BulkJob]:
    """The jobs of the user."""
    return BulkJob.objects.filter(user_id=request.user.pk or 0)


def _job_context(job: BulkJob) -> dict[str, Any]:
    expected = job.expected if job.chosen is None else len(job.chosen)
    passed = (expected or 0) - job.handled if job.status == BulkJob.Status.DONE else 0
    return {
        "job": job,
        "word": command_label(job.command),
        "past": COMMANDS[job.command].past if job.command in COMMANDS else "done",
        "expected": expected,
        # Executions that no longer matched, or had been deleted, when their turn came.
        "passed": max(passed, 0),
        "filters": _filter_terms(Filters.parse(QueryDict(job.filters)))
        if job.chosen is None
        else [],
        "address": f"?{job.filters}" if job.filters else "",
    }


def _filter_terms(filters: Filters) -> list[tuple[str, str]]:
    return [("search" if name == "q" else name, value) for name, value in filters.parameters()]


def _reasons(job: BulkJob) -> list[dict[str, Any]]:
    """Why executions were refused, the most frequent reason first, each with the first of them."""
    if not job.refused:
        return []
    rows = BulkResult.objects.filter(job=job, outcome=Outcome.REFUSED)
    groups = rows.values("detail").annotate(number=Count("pk")).order_by("-number", "detail")
    return [
        {**group, "first": rows.filter(detail=group["detail"]).order_by("pk")[:SHOWN]}
        for group in groups[:REASONS]
    ]
