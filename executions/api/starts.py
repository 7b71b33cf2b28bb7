"""Starting executions for programs."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from executions import access
from executions.api.problems import Problem
from executions.api.values import Form, read_inputs
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import NotStarted, start, start_many
from executions.commands.permissions import ask_to_debug
from executions.models import Execution
from flows import access as flows_access
from flows import queries
from flows.models import Flow, FlowVersion

#: Messages of a refused start that are told.
MESSAGES = 100


def published(request: HttpRequest, name: str, number: int | None = None) -> FlowVersion:
    """Return the version of a flow that would run: the one with a number, else the newest that is
    published. Raises Http404, PermissionDenied, or Problem when none can run."""
    flow = flows_access.get(request.user, name)
    if not flows_access.may_start(request.user, flow):
        raise PermissionDenied("You may see this flow, but not start it.")
    if number is not None:
        return _numbered(flow, number)
    version = queries.latest_published(flow.name)
    if version is None:
        detail = f"{flow.name} has no published version. Publish one first."
        raise Problem(HTTPStatus.CONFLICT, detail)
    return version


def _numbered(flow: Flow, number: int) -> FlowVersion:
    version = flow.versions.select_related("flow").filter(number=number).first()
    if version is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"{flow.name} has no version {number}.")
    if version.is_draft:
        detail = f"Version {number} of {flow.name} is a draft. Publish it first."
        raise Problem(HTTPStatus.CONFLICT, detail)
    return version


def start_one(
    request: HttpRequest,
    version: FlowVersion,
    given: Mapping[str, Any],
    form: Form,
    **debugging: bool,
) -> list[UUID]:
    """Start an execution. Returns its id as a list. Raises Problem with the messages that stop it,
    and PermissionDenied for who may not debug but asks for that."""
    user, name = request.user, version.flow.name
    if any(debugging.values()) and not access.has_debug_permission(user, name):
        raise PermissionDenied(f"You may start it, but not debug it. {ask_to_debug(user, name)}")
    inputs = read_inputs(queries.compiled(version.pk), given, form)
    actor = Actor.of_request(request, "api")
    try:
        execution = start(version, inputs, actor, Execution.Trigger.API, **debugging)
    except NotStarted as refused:
        raise not_started(refused) from None
    return [execution.pk]


def start_all(
    request: HttpRequest, version: FlowVersion, given: Sequence[Mapping[str, Any]], form: Form
) -> list[UUID]:
    """Start an execution with each of the inputs, or none. Returns their ids, in the same order.
    Raises Problem with the messages that stop them."""
    graph = queries.compiled(version.pk)
    inputs = [read_inputs(graph, one, form) for one in given]
    actor = Actor.of_request(request, "api")
    try:
        executions = start_many(version, inputs, actor, Execution.Trigger.API)
    except NotStarted as refused:
        raise not_started(refused, len(inputs)) from None
    return [one.pk for one in executions]


def not_started(refused: NotStarted, count: int = 1) -> Problem:
    """Return the problem of a start that messages stopped."""
    told = "; ".join(f"{one.location}: {one.summary}" for one in refused.messages[:3])
    return Problem(
        HTTPStatus.BAD_REQUEST,
        told,
        title="Nothing was started" if count > 1 else "The execution was not started",
        messages=refused.messages[:MESSAGES],
    )


def deleted_problem(ids: Sequence[UUID]) -> Problem:
    """Return the problem of a request that was sent before, whose executions are deleted."""
    return Problem(
        HTTPStatus.GONE,
        "This request was sent before, and what it started has been deleted since.",
        extra={"executions": [str(one) for one in ids[:1]]},
    )
