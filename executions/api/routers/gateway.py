"""The address at which clients of the original start flows: it answers their requests as they are.

Until flows come in packages, the default package holds all that are published.
"""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Body, Query, Router, Schema

from executions.api.json_answer import json_answer
from executions.api.pending import started, waiting_seconds
from executions.api.problems import Problem
from executions.api.schemas import ProblemDetails
from executions.api.starts import published, start_one
from executions.api.values import Form
from flows import queries
from flows.models import FlowVersion

PATH = ""
ROUTER = Router(tags=["Start"])

#: The only tenant and system, and the name of the default package.
DEFAULT = "default"
#: The key under which a client may wrap the inputs, unless the flow has an input of that name.
WRAPPER = "inputVariables"


class StartedTask(Schema):
    """An execution that goes on."""

    executionId: UUID


_RESPONSES = {
    HTTPStatus.OK: dict[str, Any],
    HTTPStatus.ACCEPTED: StartedTask,
    HTTPStatus.CONFLICT: ProblemDetails,
    HTTPStatus.GONE: ProblemDetails,
    HTTPStatus.INTERNAL_SERVER_ERROR: ProblemDetails,
}
_PATH = "/{tenant}/{system}/flows/{flow_name}/executions"


@ROUTER.post(f"{_PATH}/", response=_RESPONSES, include_in_schema=False)
@ROUTER.post(_PATH, response=_RESPONSES)
def start_flow(  # noqa: PLR0913 (the parameters of the operation)
    request: HttpRequest,
    tenant: str,
    system: str,
    flow_name: str,
    body: Annotated[dict[str, Any] | None, Body()] = None,
    package: Annotated[str, Query(alias="packageName")] = "",
    version: Annotated[str, Query(alias="packageVersion")] = "",
    is_async: Annotated[bool, Query(alias="async")] = False,
) -> HttpResponse:
    """Start an execution as the original does: inputs by name, and outputs by name as the answer.

    `tenant` and `system` are `default`. `packageName` is empty or `default`, which holds all
    published flows. With `async`, the answer is 202 with the id of the execution; it also is when
    the execution takes longer than a request may wait.
    """
    _check_place(tenant, system, package, version)
    found = published(request, flow_name)
    seconds = 0.0 if is_async else waiting_seconds()
    ids = start_one(request, found, _inputs(found, body or {}), Form.PLAIN)
    response = started(ids[0], Form.PLAIN, seconds, _outputs, {"executionId": ids[0]})
    response["api-supported-versions"] = "1.0"
    return response


def _check_place(tenant: str, system: str, package: str, version: str) -> None:
    if (tenant, system) != (DEFAULT, DEFAULT):
        raise Problem(HTTPStatus.NOT_FOUND, f"There is no system {tenant}/{system}.")
    if package.casefold() not in ("", DEFAULT):
        raise Problem(HTTPStatus.NOT_FOUND, f"There is no package {package}.")
    if version:
        raise Problem(HTTPStatus.NOT_FOUND, f"The default package has no version {version}.")


def _inputs(version: FlowVersion, body: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs, which a client may have wrapped."""
    names = {one.name.casefold() for one in queries.compiled(version.pk).inputs}
    wrapped = body.get(WRAPPER)
    if len(body) == 1 and isinstance(wrapped, dict) and WRAPPER.casefold() not in names:
        return wrapped
    return body


def _outputs(detail: dict[str, Any]) -> HttpResponse:
    return json_answer(detail["outputs"] or {})
