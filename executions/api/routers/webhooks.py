"""Webhooks: addresses at which requests start executions."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse
from ninja import Field, Router, Schema
from ninja.responses import Status as Answer

from executions.alerts.messages import absolute
from executions.api.input_forms import check, row_id, save, values_of
from executions.api.paging import NumberedPage, PageNumber, page_of
from executions.api.problems import Problem
from executions.api.schemas import ProblemDetails
from executions.commands.actor import Actor
from executions.models import Webhook
from executions.webhooks import access, changes
from executions.webhooks.forms import WebhookForm
from flows import access as flows_access
from flows import queries

PATH = "/v1/webhooks"
ROUTER = Router(tags=["Webhooks and chains"])
_FIELDS = (
    *("name", "scheme", "token_header", "condition", "message_id", "answer", "wait_seconds"),
    *("requests_a_minute", "is_on"),
)
#: Without a flow that is there, and of a state that forbids it.
_REFUSED = {HTTPStatus.NOT_FOUND: ProblemDetails, HTTPStatus.CONFLICT: ProblemDetails}


class WebhookInput(Schema):
    """What a webhook takes, and what it starts."""

    name: str = Field(max_length=80)
    flow: str = Field(description="The flow that it starts. It does not change.")
    scheme: Webhook.Scheme = Webhook.Scheme.STANDARD
    token_header: str = Field("Authorization", description="The header of a token.")
    condition: str = Field("", description="An expression; empty for every request.")
    message_id: str = Field("", description="An expression; empty for the header that says so.")
    inputs: dict[str, str] = Field(
        default_factory=dict,
        description="By input variable: values as people type them, or = and an expression. A "
        "secret value that is left out stays as it is.",
    )
    answer: Webhook.Answer = Webhook.Answer.AT_ONCE
    wait_seconds: int = 30
    requests_a_minute: int = 60
    is_on: bool = True
    revision: int | None = Field(None, description="For a change: the revision that you saw.")


class WebhookOutput(Schema):
    """A webhook that exists."""

    id: int
    name: str
    flow: str
    scheme: str
    token_header: str
    condition: str
    message_id: str
    inputs: dict[str, str] = Field(description="Without secret values.")
    answer: str
    wait_seconds: int
    requests_a_minute: int
    is_on: bool
    owner: str | None = Field(description="On whose behalf executions start.")
    revision: int
    changed_at: datetime
    address: str | None = Field(description="For those who may change it.")
    secret: str | None = Field(None, description="Once: when it is new.")


@ROUTER.get("", response=NumberedPage[WebhookOutput])
def list_webhooks(request: HttpRequest, page: PageNumber = 1) -> dict[str, Any]:
    """List the webhooks of the flows that you may see."""
    listed = page_of(request, access.webhooks(request.user).order_by("name", "id"), page)
    return {**listed, "items": [_output(request, one) for one in listed["items"]]}


@ROUTER.post("", response={HTTPStatus.CREATED: WebhookOutput, **_REFUSED})
def make_webhook(request: HttpRequest, given: WebhookInput) -> Answer[dict[str, Any]]:
    """Make a webhook. Its secret is shown this once."""
    flow = flows_access.get(request.user, given.flow)
    if not access.may_change(request.user, flow):
        raise PermissionDenied(access.not_allowed(flow))
    webhook = _save(request, Webhook(flow=flow), given)
    return Answer(HTTPStatus.CREATED, _output(request, webhook, with_secret=True))


@ROUTER.get("/{int:webhook_id}", response=WebhookOutput)
def get_webhook(request: HttpRequest, webhook_id: int) -> dict[str, Any]:
    """Return a webhook."""
    return _output(request, access.get_webhook_or_404(request.user, row_id(webhook_id)))


@ROUTER.put("/{int:webhook_id}", response={HTTPStatus.OK: WebhookOutput, **_REFUSED})
def change_webhook(request: HttpRequest, webhook_id: int, given: WebhookInput) -> dict[str, Any]:
    """Change a webhook as a whole; its flow stays."""
    found = _changeable(request, webhook_id)
    return _output(request, _save(request, found, given))


@ROUTER.post("/{int:webhook_id}/secret", response=WebhookOutput)
def rotate_webhook_secret(request: HttpRequest, webhook_id: int) -> dict[str, Any]:
    """Replace the secret. The new one is shown this once; the old one counts for another day."""
    found = _changeable(request, webhook_id)
    changes.rotate(request.user, Actor.of_request(request, "api"), found)
    return _output(request, found, with_secret=True)


@ROUTER.delete("/{int:webhook_id}", response={HTTPStatus.NO_CONTENT: None})
def delete_webhook(request: HttpRequest, webhook_id: int) -> Answer[None]:
    """Delete a webhook. Executions stay."""
    found = _changeable(request, webhook_id)
    changes.delete(request.user, Actor.of_request(request, "api"), found)
    return Answer(HTTPStatus.NO_CONTENT, None)


def _changeable(request: HttpRequest, webhook_id: int) -> Webhook:
    found = access.get_webhook_or_404(request.user, row_id(webhook_id))
    if not access.may_change(request.user, found.flow):
        raise PermissionDenied(access.not_allowed(found.flow))
    return found


def _save(request: HttpRequest, webhook: Webhook, given: WebhookInput) -> Webhook:
    version = queries.latest_published(webhook.flow.name)
    if version is None:
        detail = f"{webhook.flow} has no published version. Publish one first."
        raise Problem(HTTPStatus.CONFLICT, detail)
    graph = queries.compiled(version.pk)
    form = WebhookForm(graph, values_of(given, _FIELDS, graph), instance=webhook)
    check(form)
    save(request, webhook, given.revision)
    return webhook


def _output(request: HttpRequest, webhook: Webhook, *, with_secret: bool = False) -> dict[str, Any]:
    may_change = access.may_change(request.user, webhook.flow)
    return {
        **{name: getattr(webhook, name) for name in ("id", *_FIELDS, "revision", "changed_at")},
        "flow": webhook.flow.name,
        "inputs": webhook.inputs,
        "owner": webhook.owner.get_username() if webhook.owner else None,
        "address": absolute(reverse("hook", args=[webhook.key])) if may_change else None,
        "secret": webhook.secret if with_secret else None,
    }
