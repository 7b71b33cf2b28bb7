"""Commands: an operation for each that is declared, on one execution and on many."""

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from ninja import Field, Router, Schema

from executions import access
from executions.api.filters import FILTERS, read_filters, read_query
from executions.api.json_answer import json_answer
from executions.api.problems import Problem, invalid
from executions.api.routers.jobs import Job
from executions.api.schemas import ProblemDetails
from executions.bulk import jobs, selected, targets
from executions.bulk.preview import count, preview
from executions.commands import permissions
from executions.commands.actor import Actor
from executions.commands.command import Bulk, Command
from executions.commands.registry import COMMANDS
from executions.commands.request import CommandRequest
from executions.commands.run import CommandResult, run_command
from executions.limits import MAX_SELECTED
from executions.models import BulkJob
from executions.states import Status
from executions.store.lifecycle.bulk_transitions import command_state_of

PATH = "/v1/executions"
ROUTER = Router(tags=["Commands"])

#: A field of a command as its form has it: anything but a text is sent as JSON.
FieldValue = str | bool | int | float | list[Any] | dict[str, Any] | None


class CommandInput(Schema):
    """What a command is given."""

    fields: dict[str, FieldValue] = Field(
        default_factory=dict, description="Its further fields (docs/commands.md)."
    )
    seen: Status | None = Field(None, description="The status in which you saw the execution.")


class CommandAnswer(Schema):
    """What a command has done to an execution."""

    execution: UUID
    flow: str
    done: bool
    detail: str = Field(description="What was done, or why not.")
    started: UUID | None = Field(description="The execution that was started instead of it.")


class BulkCommandInput(Schema):
    """A command for executions by their ids, or for all that match a query."""

    ids: list[UUID] | None = Field(None, max_length=MAX_SELECTED)
    query: str | None = Field(
        None, max_length=2_000, description="As it is typed into the grid; empty: all of them."
    )
    fields: dict[str, FieldValue] = Field(default_factory=dict)
    child_first: bool = Field(False, description="Begin with the newest: children before parents.")


class CommandAnswers(Schema):
    """What a command has done to each execution."""

    results: list[CommandAnswer]


class StatusCount(Schema):
    """How many of the executions that match have a status."""

    status: str
    count: int | None
    refusal: str = Field(description="Why the command does not apply to them; empty when it does.")


class CommandPreview(Schema):
    """What a command would do."""

    expected: int | None = Field(description="For how many; null: more than are counted.")
    refused: int = Field(description="How many of these would be refused to you.")
    why: str = Field(description="Why those would be refused.")
    statuses: list[StatusCount]


def _add(command: Command) -> None:
    """Add the operations of a command."""
    name = command.name.replace("-", "_")
    told = f"{command.summary} {command.details}".strip()

    def on_one(request: HttpRequest, execution_id: UUID, given: CommandInput) -> CommandAnswer:
        return _give(request, command, execution_id, given)

    on_one.__name__ = f"{name}_execution"
    ROUTER.post(
        f"/{{uuid:execution_id}}/commands/{command.name}",
        response={HTTPStatus.OK: CommandAnswer, HTTPStatus.CONFLICT: ProblemDetails},
        summary=command.label,
        description=told,
    )(on_one)
    if command.bulk is Bulk.NO:
        return

    def on_many(request: HttpRequest, given: BulkCommandInput) -> HttpResponse:
        return _give_to_many(request, command, given)

    on_many.__name__ = f"{name}_executions"
    ROUTER.post(
        f"/commands/{command.name}",
        response={HTTPStatus.OK: CommandAnswers, HTTPStatus.ACCEPTED: Job},
        summary=f"{command.label} many",
        description=f"{told} Many make a job.",
    )(on_many)
    if command.bulk is not Bulk.MATCHING:
        return

    def what_would(request: HttpRequest) -> CommandPreview:
        return _preview(request, command)

    what_would.__name__ = f"preview_{name}"
    ROUTER.get(
        f"/commands/{command.name}/preview",
        response=CommandPreview,
        summary=f"Preview {command.label}",
        description="Count the executions that match, and those to which the command applies.",
        openapi_extra={"parameters": FILTERS},
    )(what_would)


def _give(
    request: HttpRequest, command: Command, execution_id: UUID, given: CommandInput
) -> CommandAnswer:
    execution = access.get_or_404(request.user, execution_id)
    asked = CommandRequest(
        execution,
        request.user,
        Actor.of_request(request, "api"),
        _fields(given.fields),
        given.seen,
    )
    result = run_command(command.name, asked)
    if result.done:
        return _answer(result)
    no_right = permissions.rights_refusal(command, request.user, command_state_of(execution))
    raise Problem(HTTPStatus.FORBIDDEN if no_right else HTTPStatus.CONFLICT, result.detail)


def _give_to_many(request: HttpRequest, command: Command, given: BulkCommandInput) -> HttpResponse:
    if (given.ids is None) == (given.query is None):
        raise invalid("Give either ids or a query.", "Body", "body")
    actor, fields = Actor.of_request(request, "api"), _fields(given.fields)
    if given.ids is not None:
        chosen: dict[UUID, Status | None] = dict.fromkeys(given.ids)
        answer = selected.give(
            request.user, actor, command.name, fields, chosen, child_first=given.child_first
        )
    else:
        answer = _start_job(request, actor, command, given, fields)
    if isinstance(answer, BulkJob):
        response = json_answer(Job.from_orm(answer).model_dump(), HTTPStatus.ACCEPTED)
        response["Location"] = reverse("api:job", args=[answer.pk])
        return response
    return json_answer({"results": [_answer(one).model_dump() for one in answer]})


def _start_job(
    request: HttpRequest,
    actor: Actor,
    command: Command,
    given: BulkCommandInput,
    fields: dict[str, str],
) -> BulkJob:
    if command.bulk is not Bulk.MATCHING:
        raise invalid(f"{command.label} takes ids, and no query.", "query", "body", "query")
    filters = read_query(given.query or "")
    rows = targets.matching(request.user, filters, command.name, timezone.now())
    target = targets.Target(filters=urlencode(filters.parameters()), child_first=given.child_first)
    return jobs.create(actor, command.name, fields, target, count(rows))


def _preview(request: HttpRequest, command: Command) -> CommandPreview:
    found = preview(request.user, read_filters(request.GET), command.name, timezone.now())
    statuses = [
        StatusCount(status=one.word, count=one.count.number, refusal=one.refusal)
        for one in found.shares
    ]
    return CommandPreview(
        expected=found.expected,
        refused=found.refused,
        why=found.why if found.refused else "",
        statuses=statuses,
    )


def _answer(result: CommandResult) -> CommandAnswer:
    return CommandAnswer(
        execution=result.execution.pk,
        flow=result.execution.flow_name,
        done=result.done,
        detail=result.detail,
        started=result.started,
    )


def _fields(given: dict[str, Any]) -> dict[str, str]:
    """Return fields as a form sends them."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in given.items()
    }


for _command in COMMANDS.values():
    _add(_command)
