"""Bulk jobs: commands for many executions in the background. With an API token, those that were
created with it."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from ninja import ModelSchema, Query, Router

from executions.api.paging import NumberedPage, PageNumber, page_of
from executions.api.problems import Problem
from executions.api.schemas import ProblemDetails
from executions.bulk import jobs
from executions.models import BulkJob, BulkResult

PATH = "/v1/jobs"
ROUTER = Router(tags=["Jobs"])

Outcome = BulkResult.Outcome


class Job(ModelSchema):
    """A command for many executions, and how far it is."""

    class Meta:
        model = BulkJob
        fields = (
            *("id", "command", "status", "filters", "child_first", "expected", "done", "refused"),
            *("at_a_time", "ended_well", "failed", "problem"),
            *("created_at", "started_at", "ended_at"),
        )


class JobResult(ModelSchema):
    """What became of one execution."""

    class Meta:
        model = BulkResult
        fields = ("id", "execution_id", "flow_name", "outcome", "detail", "started_as")


@ROUTER.get("", response=NumberedPage[Job])
def list_jobs(request: HttpRequest, page: PageNumber = 1) -> dict[str, Any]:
    """List your jobs, the newest first; with a token, those that were created with it."""
    return page_of(request, _jobs(request).order_by("-created_at"), page)


@ROUTER.get("/{uuid:job_id}", response=Job, url_name="job")
def get_job(request: HttpRequest, job_id: UUID) -> BulkJob:
    """Return one of your jobs."""
    return _job(request, job_id)


@ROUTER.get("/{uuid:job_id}/results", response=NumberedPage[JobResult])
def list_job_results(
    request: HttpRequest,
    job_id: UUID,
    outcome: Annotated[Outcome | None, Query(description="Only those.")] = None,
    page: PageNumber = 1,
) -> dict[str, Any]:
    """List what became of each execution of a job."""
    rows = BulkResult.objects.filter(job=_job(request, job_id))
    if outcome is not None:
        rows = rows.filter(outcome=outcome)
    return page_of(request, rows.order_by("pk"), page)


def _control(name: str) -> None:
    change, refusal = jobs.CONTROLS[name]

    def control(request: HttpRequest, job_id: UUID) -> BulkJob:
        job = _job(request, job_id)
        if not change(job):
            raise Problem(HTTPStatus.CONFLICT, refusal)
        job.refresh_from_db()
        return job

    control.__name__ = f"{name}_job"
    ROUTER.post(
        f"/{{uuid:job_id}}/{name}",
        response={HTTPStatus.OK: Job, HTTPStatus.CONFLICT: ProblemDetails},
        description=f"{name.capitalize()} a job, after the batch that is running.",
    )(control)


for _name in jobs.CONTROLS:
    _control(_name)


def _jobs(request: HttpRequest) -> QuerySet[BulkJob]:
    found = BulkJob.objects.filter(user_id=request.user.pk or 0)
    token = getattr(request.user, "api_token", None)
    return found if token is None else found.filter(token_id=token.pk)


def _job(request: HttpRequest, job_id: UUID) -> BulkJob:
    job = _jobs(request).filter(pk=job_id).first()
    if job is None:
        raise Http404("This job does not exist, or it is somebody else's.")
    return job
