"""Signals, for executions that wait for a program."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from executions import signals
from executions.api import idempotency
from executions.api.json_answer import json_answer
from executions.api.problems import invalid
from executions.api.routers.starts import EXTRA, REPLAYED
from executions.api.schemas import ProblemDetails
from executions.api.values import VALUES, Form, read_value
from executions.commands.actor import Actor
from executions.store.lifecycle.shared_values import SecretRefused
from flows.blocks.shared_data import KEY_LENGTH, NAME_LENGTH
from flows.values import is_plain_text

PATH = "/v1/signals"
ROUTER = Router(tags=["Signals"])


class NewSignal(Schema):
    """A signal to send."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH)
    key: str = Field("", max_length=KEY_LENGTH, description="Which one of that name.")
    payload: Any = Field(None, description="The value that the execution gets.")


class SentSignal(Schema):
    """A signal that was sent."""

    id: int
    name: str
    key: str


@ROUTER.post(
    "",
    response={
        HTTPStatus.CREATED: SentSignal,
        HTTPStatus.UNPROCESSABLE_ENTITY: ProblemDetails,
    },
    openapi_extra=EXTRA,
)
def send_signal(
    request: HttpRequest,
    signal: NewSignal,
    values: Annotated[Form, Query(description=VALUES)] = Form.TYPED,
) -> HttpResponse:
    """Send a signal to the execution that has waited longest for its name and key, or else to the
    next one that waits for it."""
    for part in ("name", "key"):
        if not is_plain_text(getattr(signal, part)):
            raise invalid("Leave out NUL and halves of characters.", part, "body", part)
    payload = read_value("payload", signal.payload, values)

    def send() -> list[UUID]:
        actor = Actor.of_request(request, "api")
        return [UUID(int=signals.send(request.user, actor, signal.name, signal.key, payload).pk)]

    try:
        (sent,), again = idempotency.once(request, send)
    except SecretRefused as refused:
        raise invalid(str(refused), "payload", "body", "payload") from None
    answer = {"id": sent.int, "name": signal.name, "key": signal.key}
    response = json_answer(answer, HTTPStatus.CREATED)
    if again:
        response[REPLAYED] = "true"
    return response
