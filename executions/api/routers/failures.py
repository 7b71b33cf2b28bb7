"""Failures: the groups of executions that failed alike, and the commands on them."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Field, ModelSchema, Query, Router, Schema

from executions.api.json_answer import json_answer
from executions.api.one_of import OneOf
from executions.api.paging import NumberedPage, PageNumber, page_of
from executions.api.problems import Problem
from executions.api.routers.jobs import Job
from executions.api.schemas import ProblemDetails
from executions.bulk import retry_group
from executions.commands.actor import Actor
from executions.failures import access, queries
from executions.failures.commands.command import FailureCommand
from executions.failures.commands.registry import COMMANDS
from executions.failures.commands.run import run
from executions.failures.queries import ORDERS, TABS, GroupQuery
from executions.models import FailureActivity, FailureGroup
from flows import access as flows_access

PATH = "/v1/failures"
ROUTER = Router(tags=["Failures"])

#: Characters of a field of a command.
LONGEST = 20_000
State = Annotated[str, OneOf(TABS)]
Order = Annotated[str, OneOf(f"{sign}{name}" for name in ORDERS for sign in ("", "-"))]


class Failure(ModelSchema):
    """A failure group. Its numbers count the executions that you may see."""

    flow: str
    owner: str | None

    class Meta:
        model = FailureGroup
        fields = (
            *("id", "block", "block_type", "block_description", "type", "template", "state"),
            *("first_seen_at", "first_version", "last_seen_at", "last_version", "count"),
            *("muted_until", "muted_until_count", "resolved_in_version", "revision"),
        )

    @staticmethod
    def resolve_flow(group: FailureGroup) -> str:
        return group.flow.name

    @staticmethod
    def resolve_owner(group: FailureGroup) -> str | None:
        return group.owner.get_username() if group.owner else None


class Activity(ModelSchema):
    """What happened to a failure group."""

    class Meta:
        model = FailureActivity
        fields = ("id", "at", "kind", "actor", "text", "version")


class Decision(Schema):
    """What a command on a failure is given."""

    fields: dict[str, Annotated[str, Field(max_length=LONGEST)]] = Field(
        default_factory=dict, description="Its further fields, such as `text` of a comment."
    )
    revision: int | None = Field(None, description="The revision that you saw.")


class DecisionResult(Schema):
    """What a command has done."""

    detail: str
    failure: Failure


class Retry(Schema):
    """How the executions of a failure are started again."""

    from_start: bool = Field(False, description="From Start Flow, not from where they failed.")
    newest: bool = Field(False, description="In the newest version.")
    at_a_time: int = Field(retry_group.AT_A_TIME, ge=1, le=retry_group.MOST_AT_A_TIME)
    one_first: bool = Field(False, description="One first; the job waits after it.")


@ROUTER.get("", response=NumberedPage[Failure])
def list_failures(  # noqa: PLR0913 (the parameters of the operation)
    request: HttpRequest,
    state: State = "open",
    owner: Annotated[str, Query(max_length=200, description="A name, me or nobody.")] = "",
    flow: Annotated[str, Query(max_length=200)] = "",
    q: Annotated[str, Query(max_length=queries.LONGEST_SEARCH)] = "",
    sort: Order = "-last",
    page: PageNumber = 1,
) -> dict[str, Any]:
    """List the failure groups that you may see."""
    query = GroupQuery.parse(request.GET)
    listed = page_of(request, query.groups(request.user), page)
    return {**listed, "items": access.as_seen(request.user, listed["items"])}


@ROUTER.get("/{uuid:group_id}", response=Failure)
def get_failure(request: HttpRequest, group_id: UUID) -> FailureGroup:
    """Return a failure group."""
    group = access.get_or_404(request.user, group_id)
    return access.as_seen(request.user, [group])[0]


@ROUTER.get("/{uuid:group_id}/activity", response=NumberedPage[Activity])
def list_activity(request: HttpRequest, group_id: UUID, page: PageNumber = 1) -> dict[str, Any]:
    """List what happened to a failure group, the newest first."""
    group = access.get_or_404(request.user, group_id)
    return page_of(request, FailureActivity.objects.filter(group=group).order_by("-id"), page)


@ROUTER.post(
    "/{uuid:group_id}/retry",
    response={HTTPStatus.ACCEPTED: Job, HTTPStatus.CONFLICT: ProblemDetails},
)
def retry_failure(request: HttpRequest, group_id: UUID, retry: Retry) -> HttpResponse:
    """Start the executions of a failure again, a few at a time: a job."""
    found = access.get_or_404(request.user, group_id)
    if not flows_access.may_start(request.user, found.flow):
        raise Problem(HTTPStatus.FORBIDDEN, "You may not start this flow.")
    group = retry_group.RetryGroup(request.user, found)
    if not group.counts["start"]:
        raise Problem(HTTPStatus.CONFLICT, "No execution is left to start again.")
    choices = retry_group.Choices(
        from_start=retry.from_start,
        newest=retry.newest,
        at_a_time=retry.at_a_time,
        one_first=retry.one_first,
    )
    job = retry_group.create_job(Actor.of_request(request, "api"), group, choices)
    response = json_answer(Job.from_orm(job).model_dump(), HTTPStatus.ACCEPTED)
    response["Location"] = reverse("api:job", args=[job.pk])
    return response


def _add(command: FailureCommand) -> None:
    """Add the operation of a command."""

    def decide(request: HttpRequest, group_id: UUID, given: Decision) -> dict[str, Any]:
        group = access.get_or_404(request.user, group_id)
        actor = Actor.of_request(request, "api")
        result = run(command.name, group, request.user, actor, given.fields, given.revision)
        if result.done:
            shown = access.as_seen(request.user, [result.group])[0]
            return {"detail": result.detail, "failure": shown}
        may = not command.is_change or access.may_handle(request.user, group)
        raise Problem(HTTPStatus.CONFLICT if may else HTTPStatus.FORBIDDEN, result.detail)

    decide.__name__ = f"{command.name.replace('-', '_')}_failure"
    ROUTER.post(
        f"/{{uuid:group_id}}/commands/{command.name}",
        response={HTTPStatus.OK: DecisionResult, HTTPStatus.CONFLICT: ProblemDetails},
        summary=command.label,
        description=command.summary,
    )(decide)


for _command in COMMANDS.values():
    _add(_command)
