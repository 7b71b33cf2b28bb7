"""Signals, for executions that wait for a program."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema
from ninja.responses import Status as Answer

from executions import flow_signals, shared_values
from executions.api import idempotency
from executions.api.input_forms import row_id
from executions.api.json_answer import json_answer
from executions.api.paging import NumberedPage, PageNumber, page_of
from executions.api.problems import invalid
from executions.api.routers.starts import EXTRA, REPLAYED
from executions.api.schemas import ProblemDetails
from executions.api.values import VALUES, Form, Value, in_form, read_value
from executions.commands.actor import Actor
from executions.store.lifecycle.shared_values import SecretRefused
from flows.blocks.shared_data import KEY_LENGTH, NAME_LENGTH
from flows.values import is_plain_text

PATH = "/v1/signals"
Row = TypeVar("Row", bound=Model)
Name = Annotated[str | None, Query(max_length=NAME_LENGTH, description="Only those of this name.")]
Key = Annotated[str | None, Query(max_length=KEY_LENGTH, description="Only those of this key.")]
ROUTER = Router(tags=["Signals"])


class NewSignal(Schema):
    """A signal to send."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH)
    key: str = Field("", max_length=KEY_LENGTH, description="Which one of that name.")
    payload: Value = Field(None, description="The value that the execution gets.")


class WaitingSignal(Schema):
    """A signal that nobody has taken yet."""

    id: int
    name: str
    key: str
    payload: Value = Field(description="Of a secret, a mask.")
    sent_at: datetime
    by: str = Field(description="The flow or person that sent it.")
    execution: UUID | None = Field(description="The execution that sent it, if you may see it.")


class WaitingExecution(Schema):
    """An execution that waits for a signal."""

    execution: UUID
    flow: str
    name: str
    key: str
    since: datetime
    due_at: datetime | None = Field(description="When its Block Timeout is over.")


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
        return [
            UUID(int=flow_signals.send(request.user, actor, signal.name, signal.key, payload).pk)
        ]

    try:
        (sent,), again = idempotency.run_once(request, send)
    except SecretRefused as refused:
        raise invalid(str(refused), "payload", "body", "payload") from None
    answer = {"id": sent.int, "name": signal.name, "key": signal.key}
    response = json_answer(answer, HTTPStatus.CREATED)
    if again:
        response[REPLAYED] = "true"
    return response


@ROUTER.get("", response=NumberedPage[WaitingSignal])
def list_signals(
    request: HttpRequest,
    name: Name = None,
    key: Key = None,
    page: PageNumber = 1,
    values: Annotated[Form, Query(description=VALUES)] = Form.TYPED,
) -> dict[str, Any]:
    """List the signals that nobody has taken, the oldest first. Who may not see them gets none."""
    found = _of(flow_signals.visible(request.user), name, key)
    listed = page_of(request, found.order_by("id"), page)
    items = [
        {
            "id": one.item.pk,
            "name": one.item.name,
            "key": one.item.key,
            "payload": in_form(one.item.value, values),
            "sent_at": one.item.at,
            "by": one.item.by,
            "execution": one.execution,
        }
        for one in shared_values.read(request.user, listed["items"])
    ]
    return {**listed, "items": items}


@ROUTER.get("/waiting", response=NumberedPage[WaitingExecution])
def list_waiting(
    request: HttpRequest, name: Name = None, key: Key = None, page: PageNumber = 1
) -> dict[str, Any]:
    """List the executions that wait for a signal and that you may see, the longest first."""
    found = _of(flow_signals.waiting(request.user), name, key)
    listed = page_of(request, found.order_by("id"), page)
    items = [
        {
            "execution": one.execution_id,
            "flow": one.execution.flow_name,
            "name": one.name,
            "key": one.key or "",
            "since": one.at,
            "due_at": one.execution.due_at,
        }
        for one in listed["items"]
    ]
    return {**listed, "items": items}


@ROUTER.delete("/{int:signal_id}", response={HTTPStatus.NO_CONTENT: None})
def delete_signal(request: HttpRequest, signal_id: int) -> Answer[None]:
    """Delete a signal that nobody has taken."""
    flow_signals.delete(request.user, Actor.of_request(request, "api"), row_id(signal_id))
    return Answer(HTTPStatus.NO_CONTENT, None)


def _of(found: QuerySet[Row], name: str | None, key: str | None) -> QuerySet[Row]:
    given = {"name": name, "key": key}
    return found.filter(**{part: text for part, text in given.items() if text is not None})
