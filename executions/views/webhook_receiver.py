"""The addresses at which requests start executions: without a session, and so without CSRF."""

from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from executions.api import pending
from executions.api.json_answer import json_answer
from executions.api.problems import Problem
from executions.api.values import Form
from executions.limits import WEBHOOK_BYTES
from executions.models import Webhook, WebhookRequest
from executions.webhooks.receiving import Answer, TooMany, receive
from executions.webhooks.requests import Received

_STARTED = frozenset({WebhookRequest.Outcome.STARTED, WebhookRequest.Outcome.REPEATED})


@csrf_exempt
@login_not_required
@require_http_methods(["POST", "PUT"])
def hook(request: HttpRequest, key: str) -> HttpResponse:
    """Take a request to a webhook."""
    webhook = Webhook.objects.filter(key=key, is_on=True).select_related("flow", "owner").first()
    if webhook is None:
        return _told(HTTPStatus.NOT_FOUND, "There is no such webhook, or it is off.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > WEBHOOK_BYTES:
        return _too_large()
    received = Received.of(request, timezone.now())
    if len(received.body) > WEBHOOK_BYTES:
        return _too_large()
    try:
        answer = receive(webhook, received)
    except TooMany as refused:
        response = _told(HTTPStatus.TOO_MANY_REQUESTS, str(refused))
        response["Retry-After"] = str(refused.after)
        return response
    return _answered(webhook, answer)


def _answered(webhook: Webhook, answer: Answer) -> HttpResponse:
    if answer.outcome not in _STARTED or answer.execution_id is None:
        # Why a request did not match, its owner sees; a sender learns of its own mistakes only.
        content: dict[str, Any] = {"started": False}
        if answer.status in (400, 401, 422):
            content["detail"] = answer.why
        return _json(content, answer.status)
    wants = webhook.wait_seconds if webhook.answer == Webhook.Answer.OUTPUTS else 0
    try:
        seconds = pending.waiting_seconds(wants)
    except Problem:
        seconds = 0  # it is started already: the answer says how to ask for it later
    return pending.started(answer.execution_id, Form.PLAIN, seconds, _outputs)


def _outputs(detail: dict[str, Any]) -> HttpResponse:
    return json_answer(detail["outputs"], HTTPStatus.OK)


def _too_large() -> HttpResponse:
    detail = f"The body may have up to {WEBHOOK_BYTES:,} bytes."
    return _told(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


def _told(status: HTTPStatus, detail: str) -> HttpResponse:
    return _json({"started": False, "detail": detail}, status)


def _json(content: dict[str, Any], status: int) -> HttpResponse:
    return JsonResponse(content, status=status, headers={"Cache-Control": "no-store"})
