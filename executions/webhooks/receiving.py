"""Takes requests to webhooks: whether one may start something, and what became of it."""

import hashlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError

from executions.commands.actor import Actor
from executions.commands.lifecycle.start import NotStarted, begin
from executions.engine.secrets import Secrets
from executions.limits import (
    WEBHOOK_DAYS_KEPT,
    WEBHOOK_MESSAGE_SECONDS,
    WEBHOOK_REFUSALS_A_MINUTE,
    WEBHOOK_REQUESTS_KEPT,
)
from executions.models import Execution, Webhook, WebhookMessage, WebhookRequest
from executions.publishing import announce_subject
from executions.store.lifecycle.starts import StartRequest
from executions.webhooks import verification
from executions.webhooks.mapping import MappingProblem, evaluate, is_met, map_inputs
from executions.webhooks.requests import Received, Unreadable
from flows import access, queries
from flows.graph import FlowGraph

Outcome = WebhookRequest.Outcome
_MINUTE = 60
#: Old requests are deleted once so many have come.
_DELETED_EVERY = 10


class TooMany(Exception):
    """More requests than a webhook takes in a minute; `after` so many seconds there is room."""

    def __init__(self, after: int) -> None:
        super().__init__(f"Too many requests. Try again in {after} seconds.")
        self.after = after


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: the status of the answer, why nothing was started, and what was."""

    outcome: WebhookRequest.Outcome
    status: int
    why: str = ""
    execution_id: UUID | None = None
    secret_texts: tuple[str, ...] = ()


def receive(webhook: Webhook, received: Received) -> Answer:
    """Start what a request to a webhook asks for, once, and keep the request. Raises TooMany."""
    try:
        if not received.replayed_by:
            verification.verify(webhook, received.headers, received.body, received.at)
    except verification.Refused as refused:
        answer = Answer(Outcome.REFUSED, 401, str(refused))
        # Who guesses must not fill the database, nor take the room of those who may send.
        if _count(webhook, "refused") > WEBHOOK_REFUSALS_A_MINUTE:
            return answer
    else:
        if not received.replayed_by and _count(webhook, "taken") > webhook.requests_a_minute:
            raise TooMany(_seconds_left())
        answer = _start(webhook, received)
    _keep(webhook, received, answer)
    return answer


def _start(webhook: Webhook, received: Received) -> Answer:
    try:
        given = received.variables(webhook)
        if not is_met(webhook.condition, given):
            return Answer(Outcome.UNMATCHED, 200, "The condition is not met.")
        digest = _digest(webhook, received, given)
    except Unreadable as problem:
        return Answer(Outcome.FAILED, 400, str(problem))
    except MappingProblem as problem:
        return Answer(
            Outcome.FAILED, 422, f"The condition or the id cannot be evaluated: {problem}"
        )
    if not digest:
        return _start_once(webhook, received, given)
    with transaction.atomic():
        row = WebhookMessage(webhook=webhook, digest=digest, at=received.at)
        # Waits for another request with the same message.
        WebhookMessage.objects.bulk_create([row], ignore_conflicts=True)
        mine = WebhookMessage.objects.select_for_update().get(webhook=webhook, digest=digest)
        if mine.execution_id is not None:
            why = "A request with the same message came before."
            return Answer(Outcome.REPEATED, 202, why, mine.execution_id)
        answer = _start_once(webhook, received, given)
        if answer.execution_id is None:
            mine.delete()  # it may be sent again once what is wrong has been put right
        else:
            mine.execution_id = answer.execution_id
            mine.save(update_fields=["execution_id"])
    return answer


def _start_once(webhook: Webhook, received: Received, given: Mapping[str, Any]) -> Answer:
    version = queries.latest_published(webhook.flow.name)
    owner = webhook.owner
    if owner is None or not access.may_start(owner, webhook.flow):
        name = owner.get_username() if owner else "its owner, who has no account any more,"
        why = f"It starts on behalf of {name} who may not start the flow. Save it anew."
        return Answer(Outcome.FAILED, 503, why)
    if version is None:
        return Answer(Outcome.FAILED, 503, f"{webhook.flow.name} has no published version.")
    graph = queries.compiled(version.pk)
    mapped = map_inputs(graph, {**webhook.inputs, **webhook.secret_inputs}, given)
    if mapped.problems:
        told = "; ".join(f"{name}: {problem}" for name, problem in mapped.problems.items())
        return Answer(Outcome.FAILED, 422, told)
    by = f"replayed by {received.replayed_by}" if received.replayed_by else ""
    actor = Actor(owner.pk, owner.get_username(), "webhook", received.address)
    texts = secret_texts(graph, mapped.values)
    try:
        execution = begin(
            StartRequest(
                version,
                mapped.values,
                initiator_id=owner.pk,
                initiator_name=owner.get_username(),
                trigger=Execution.Trigger.WEBHOOK,
                webhook_id=webhook.pk,
            ),
            actor,
            ", ".join(filter(None, (f"webhook {webhook.name}", by))),
        )
    except NotStarted as refused:
        return Answer(Outcome.FAILED, 422, str(refused), secret_texts=texts)
    return Answer(Outcome.STARTED, 202, "", execution.pk, texts)


def secret_texts(graph: FlowGraph, inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the texts among the values of secret inputs that can be looked for."""
    secret = {one.name.casefold() for one in graph.inputs if one.is_secret}
    found = Secrets({})
    for name, value in inputs.items():
        if name.casefold() in secret:
            found.add_value(value)
    return tuple(found.texts)


def _digest(webhook: Webhook, received: Received, given: Mapping[str, Any]) -> str:
    """Return what tells a message from others; empty where nothing does, and for one that somebody
    has sent again on purpose. Raises MappingProblem."""
    if received.replayed_by:
        return ""
    if webhook.message_id.strip():
        found = evaluate(webhook.message_id, given)
        told = "" if found is None else f"expression {found!r}"
    else:
        name = verification.message_id(webhook, received.headers)
        told = f"header {name}" if name else ""
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest() if told else ""


def _keep(webhook: Webhook, received: Received, answer: Answer) -> None:
    """Keep a request, and delete the oldest ones now and then."""
    content = received.content(webhook)
    if answer.secret_texts:
        content["secret_texts"] = list(answer.secret_texts)
    WebhookRequest.objects.create(
        webhook=webhook,
        at=received.at,
        address=received.address,
        method=received.method,
        content=content,
        size=len(received.body),
        outcome=answer.outcome,
        why=answer.why[:2_000],
        status=answer.status,
        execution_id=answer.execution_id,
        replayed_by=received.replayed_by,
    )
    announce_subject("webhook", str(webhook.pk))
    if _count(webhook, "kept") % _DELETED_EVERY == 0:
        _delete_oldest(webhook.pk)


def _delete_oldest(webhook_id: int) -> None:
    mine = WebhookRequest.objects.filter(webhook_id=webhook_id)
    last = mine.order_by("-id").values_list("id", flat=True)[WEBHOOK_REQUESTS_KEPT:][:1]
    if oldest := list(last):
        mine.filter(id__lte=oldest[0]).delete()


def delete_old() -> None:
    """Delete requests and ids of messages that are kept long enough."""
    now = timezone.now()
    for webhook_id in Webhook.objects.values_list("pk", flat=True):
        _delete_oldest(webhook_id)
    WebhookRequest.objects.filter(at__lt=now - timedelta(days=WEBHOOK_DAYS_KEPT)).delete()
    WebhookMessage.objects.filter(at__lt=now - timedelta(seconds=WEBHOOK_MESSAGE_SECONDS)).delete()


def _count(webhook: Webhook, what: str) -> int:
    """Count one more of what a webhook was sent in this minute."""
    key = f"webhook:{webhook.pk}:{what}:{int(time.time() // _MINUTE)}"
    try:
        return _counted(caches["default"], key)
    except RedisError:
        return _counted(caches["local"], key)


def _counted(cache: BaseCache, key: str) -> int:
    cache.add(key, 0, 2 * _MINUTE)
    return int(cache.incr(key))


def _seconds_left() -> int:
    return math.ceil(_MINUTE - time.time() % _MINUTE)
