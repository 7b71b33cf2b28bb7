"""Starting flows."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from executions.api import idempotency
from executions.api.json_answer import json_answer
from executions.api.pending import started, waiting_seconds
from executions.api.schemas import ExecutionDetail, ProblemDetails, StartedExecution
from executions.api.starts import published, start_all, start_one
from executions.api.values import VALUES, Form, Value

PATH = "/v1/flows"
ROUTER = Router(tags=["Start"])

#: The header of an answer to a request that was sent before.
REPLAYED = "Idempotent-Replayed"
_KEY = {
    "in": "header",
    "name": idempotency.HEADER,
    "required": False,
    "description": "Sent again within 24 hours, the request starts nothing and is answered alike.",
    "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.LONGEST_KEY},
}
EXTRA = {"parameters": [_KEY]}
WAIT = "Seconds to wait for the end; by default, and at most, what API_WAIT_SECONDS says."


#: Executions that one request starts.
MOST = 10_000


class Start(Schema):
    """What to start, and how."""

    inputs: dict[str, Value] = Field(default_factory=dict, description="Values by input variable.")
    version: int | None = Field(None, ge=1, le=2**31 - 1, description="Default: the newest.")
    paused: bool = Field(False, description="Pause before the first block.")
    debug: bool = Field(False, description="Debug it, with your breakpoints for the flow.")
    break_on_exception: bool = Field(False, description="Pause where an exception is thrown.")


class Inputs(Schema):
    """One of many executions to start."""

    inputs: dict[str, Value] = Field(default_factory=dict, description="Values by input variable.")


class StartMany(Schema):
    """Executions of one version to start."""

    version: int | None = Field(None, ge=1, le=2**31 - 1, description="Default: the newest.")
    executions: list[Inputs] = Field(min_length=1, max_length=MOST)


class StartedExecutions(Schema):
    """What was started, in the order of the request."""

    executions: list[UUID]


@ROUTER.post(
    "/{name}/executions",
    response={
        HTTPStatus.OK: ExecutionDetail,
        HTTPStatus.ACCEPTED: StartedExecution,
        HTTPStatus.CONFLICT: ProblemDetails,
        HTTPStatus.GONE: ProblemDetails,
        HTTPStatus.UNPROCESSABLE_ENTITY: ProblemDetails,
        HTTPStatus.INTERNAL_SERVER_ERROR: ProblemDetails,
    },
    openapi_extra=EXTRA,
)
def start_execution(  # noqa: PLR0913 (the parameters of the operation)
    request: HttpRequest,
    name: str,
    start: Start,
    wait: Annotated[float | None, Query(ge=0, description=WAIT)] = None,
    is_async: Annotated[bool, Query(alias="async", description="Do not wait for the end.")] = False,
    values: Annotated[Form, Query(description=VALUES)] = Form.TYPED,
) -> HttpResponse:
    """Start an execution of a published flow, and wait until it has ended.

    Answers 200 with the outputs when it Ended, and 500 with the exception when it ended in Error
    or was stopped. When it has not ended after `wait` seconds, or with `async`, the answer is 202;
    ask at `Location` later.
    """
    version = published(request, name, start.version)
    seconds = 0.0 if is_async else waiting_seconds(wait)
    ids, again = idempotency.run_once(
        request,
        lambda: start_one(
            request,
            version,
            start.inputs,
            values,
            paused=start.paused,
            debug=start.debug,
            break_on_exception=start.break_on_exception,
        ),
    )
    return _replayed(started(ids[0], values, seconds, json_answer), again)


@ROUTER.post(
    "/{name}/executions/batch",
    response={
        HTTPStatus.ACCEPTED: StartedExecutions,
        HTTPStatus.CONFLICT: ProblemDetails,
        HTTPStatus.UNPROCESSABLE_ENTITY: ProblemDetails,
    },
    openapi_extra=EXTRA,
)
def start_executions(
    request: HttpRequest,
    name: str,
    start: StartMany,
    values: Annotated[Form, Query(description=VALUES)] = Form.TYPED,
) -> HttpResponse:
    """Start up to 10,000 executions of a published flow, or none of them when messages stop one.

    Does not wait for their ends.
    """
    version = published(request, name, start.version)
    given = [one.inputs for one in start.executions]
    ids, again = idempotency.run_once(request, lambda: start_all(request, version, given, values))
    return _replayed(json_answer({"executions": ids}, HTTPStatus.ACCEPTED), again)


def _replayed(response: HttpResponse, again: bool) -> HttpResponse:
    if again:
        response[REPLAYED] = "true"
    return response
