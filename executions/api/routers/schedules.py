"""Schedules: what starts flows by time, and what became of each time."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from ninja import Field, ModelSchema, Query, Router, Schema
from ninja.responses import Status as Answer

from executions.api.paging import NumberedPage, PageNumber, page_of
from executions.api.problems import Problem
from executions.api.schemas import ProblemDetails
from executions.commands.actor import Actor
from executions.models import Schedule, ScheduleRun
from executions.schedules import access, changes, due, reading
from executions.schedules.document import InvalidSchedule, apply, document_of
from flows import access as flows_access

PATH = "/v1/schedules"
ROUTER = Router(tags=["Schedules"])
_REFUSED = {
    HTTPStatus.NOT_FOUND: ProblemDetails,
    HTTPStatus.CONFLICT: ProblemDetails,
    HTTPStatus.UNPROCESSABLE_ENTITY: ProblemDetails,
}
_TAKEN = "The flow has a schedule of this name already."


class ScheduleChange(Schema):
    """What a schedule says."""

    name: str = Field(min_length=1, max_length=120)
    cron: str = Field(max_length=200, description="Five fields, or six with the second in front.")
    zone: str = Field("UTC", max_length=64)
    description: str = ""
    version: int | None = Field(None, ge=1, le=2**31 - 1, description="Null: the newest.")
    starts_on: str | None = None
    ends_on: str | None = None
    excluded_days: list[str] = Field(default_factory=list, max_length=1_000)
    calendar: str = Field("", description="An iCalendar file whose days are excluded.")
    calendar_name: str = Field("", max_length=120)
    jitter_seconds: int = Field(0, ge=0, le=3_600)
    overlap: Literal["skip", "queue", "parallel"] = "skip"
    misfire: Literal["skip", "once"] = "once"
    grace_seconds: int = Field(900, ge=0, le=2_592_000)
    inputs: dict[str, Any] = Field(
        default_factory=dict, description="Values, or expressions that begin with “=”."
    )
    revision: int | None = Field(None, description="For a change: the revision that you saw.")


class NewSchedule(ScheduleChange):
    """A new schedule of a flow."""

    flow: str


class ScheduleOutput(Schema):
    """A schedule that exists. Secret inputs are not shown."""

    id: int
    flow: str
    name: str
    words: str
    is_on: bool
    owner: str | None
    next_at: datetime | None
    problem: str
    revision: int
    document: dict[str, Any]


class ScheduleRunOutput(ModelSchema):
    """What became of one time."""

    execution_id: UUID | None

    class Meta:
        model = ScheduleRun
        fields = ("scheduled_at", "at", "outcome", "detail", "times", "started_by")


def _output(one: Schedule) -> dict[str, Any]:
    return {
        "id": one.pk,
        "flow": one.flow.name,
        "name": one.name,
        "words": reading.words(one),
        "is_on": one.is_on,
        "owner": one.owner.get_username() if one.owner else None,
        "next_at": one.next_at,
        "problem": one.problem,
        "revision": one.revision,
        "document": document_of(one, full=True),
    }


@ROUTER.get("", response=NumberedPage[ScheduleOutput])
def list_schedules(request: HttpRequest, page: PageNumber = 1) -> dict[str, Any]:
    """List the schedules of the flows that you may see."""
    found = access.visible(request.user).select_related("flow", "owner", "version")
    listed = page_of(request, found.order_by("name", "id"), page)
    return {**listed, "items": [_output(one) for one in listed["items"]]}


@ROUTER.get(
    "/export",
    response={
        HTTPStatus.OK: dict[str, dict[str, dict[str, Any]]],
        HTTPStatus.NOT_FOUND: ProblemDetails,
    },
)
def export_schedules(
    request: HttpRequest,
    flow: Annotated[str, Query(max_length=200, description="Of this flow only.")] = "",
) -> Any:
    """Return all schedules that you may see as flow files carry them: by flow, then by name."""
    found = access.visible(request.user).select_related("flow", "version")
    if flow:
        found = found.filter(flow=flows_access.get(request.user, flow))
    exported: dict[str, dict[str, Any]] = {}
    for one in found.order_by("flow__name", "name", "id"):
        exported.setdefault(one.flow.name, {})[one.name] = document_of(one)
    return exported


@ROUTER.get("/{int:schedule_id}", response=ScheduleOutput)
def get_schedule(request: HttpRequest, schedule_id: int) -> dict[str, Any]:
    """Return a schedule."""
    return _output(access.get_or_404(request.user, schedule_id))


@ROUTER.get("/{int:schedule_id}/runs", response=NumberedPage[ScheduleRunOutput])
def list_runs(request: HttpRequest, schedule_id: int, page: PageNumber = 1) -> dict[str, Any]:
    """List what became of the times of a schedule, the newest first."""
    found = access.get_or_404(request.user, schedule_id)
    return page_of(request, ScheduleRun.objects.filter(schedule=found), page)


@ROUTER.post("", response={HTTPStatus.CREATED: ScheduleOutput, **_REFUSED})
def make_schedule(request: HttpRequest, given: NewSchedule) -> Any:
    """Make a schedule. It starts on your behalf."""
    flow = flows_access.get(request.user, given.flow)
    made = _saved(request, Schedule(flow=flow, name=given.name), given)
    return Answer(HTTPStatus.CREATED, _output(made))


@ROUTER.put("/{int:schedule_id}", response={HTTPStatus.OK: ScheduleOutput, **_REFUSED})
def change_schedule(request: HttpRequest, schedule_id: int, given: ScheduleChange) -> Any:
    """Change a schedule. From then on it starts on your behalf."""
    found = access.get_or_404(request.user, schedule_id)
    if given.revision is not None:
        found.revision = given.revision
    return _output(_saved(request, found, given))


def _saved(request: HttpRequest, schedule: Schedule, given: ScheduleChange) -> Schedule:
    if not access.may_change(request.user, schedule.flow):
        raise PermissionDenied(access.not_allowed(schedule.flow))
    schedule.name = given.name.replace("\0", "")
    try:
        apply(schedule, given.dict(exclude={"name", "flow", "revision"}))
        with transaction.atomic():
            changes.save(request.user, Actor.of_request(request), schedule)
    except InvalidSchedule as problem:
        messages = problem.messages
        told = "The schedule is not valid."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, told, messages=messages) from None
    except changes.ScheduleChanged:
        told = "Somebody else has changed it meanwhile. Read it again."
        raise Problem(HTTPStatus.CONFLICT, told) from None
    except changes.TooManySchedules:
        raise Problem(HTTPStatus.CONFLICT, "There are too many schedules.") from None
    except IntegrityError:
        raise Problem(HTTPStatus.CONFLICT, _TAKEN) from None
    return schedule


@ROUTER.delete("/{int:schedule_id}", response={HTTPStatus.NO_CONTENT: None})
def delete_schedule(request: HttpRequest, schedule_id: int) -> Any:
    """Delete a schedule. Its executions stay."""
    changes.delete(request.user, Actor.of_request(request), _changeable(request, schedule_id))
    return Answer(HTTPStatus.NO_CONTENT, None)


@ROUTER.post("/{int:schedule_id}/enable", response=ScheduleOutput)
def enable_schedule(request: HttpRequest, schedule_id: int) -> dict[str, Any]:
    """Switch a schedule on."""
    return _switched(request, schedule_id, is_on=True)


@ROUTER.post("/{int:schedule_id}/disable", response=ScheduleOutput)
def disable_schedule(request: HttpRequest, schedule_id: int) -> dict[str, Any]:
    """Switch a schedule off."""
    return _switched(request, schedule_id, is_on=False)


@ROUTER.post("/{int:schedule_id}/run", response=ScheduleRunOutput)
def run_schedule(request: HttpRequest, schedule_id: int) -> ScheduleRun:
    """Start a schedule out of turn."""
    found = access.get_or_404(request.user, schedule_id)
    if not flows_access.may_start(request.user, found.flow):
        raise PermissionDenied("You may not start this flow.")
    return due.start_now(found.pk, Actor.of_request(request), request.user)


@ROUTER.post("/pause", response={HTTPStatus.NO_CONTENT: None})
def pause_schedules(request: HttpRequest) -> Any:
    """Pause all schedules."""
    return _paused(request, is_paused=True)


@ROUTER.post("/resume", response={HTTPStatus.NO_CONTENT: None})
def resume_schedules(request: HttpRequest) -> Any:
    """Let all schedules go on."""
    return _paused(request, is_paused=False)


def _paused(request: HttpRequest, *, is_paused: bool) -> Any:
    if not access.may_pause_all(request.user):
        raise PermissionDenied("You may not pause all schedules.")
    changes.pause_all(request.user, Actor.of_request(request), is_paused=is_paused)
    return Answer(HTTPStatus.NO_CONTENT, None)


def _changeable(request: HttpRequest, schedule_id: int) -> Schedule:
    found = access.get_or_404(request.user, schedule_id)
    if not access.may_change(request.user, found.flow):
        raise PermissionDenied(access.not_allowed(found.flow))
    return found


def _switched(request: HttpRequest, schedule_id: int, *, is_on: bool) -> dict[str, Any]:
    found = _changeable(request, schedule_id)
    changes.switch(request.user, Actor.of_request(request), [found], is_on=is_on)
    return _output(access.get_or_404(request.user, schedule_id))
