"""A webhook, signed as Standard Webhooks says."""

import json
import time
from datetime import UTC, datetime

from standardwebhooks import Webhook

from executions.alerts.channel_type import ChannelType, DeliveryFailed, DeliveryRefused
from executions.alerts.messages import Message, absolute
from executions.effects import clients
from executions.limits import DELIVERY_SECONDS, MAX_DELIVERY_RETRY_SECONDS
from executions.models import AlertChannel, Delivery
from flows.blocks.clients import HttpRequest, HttpResponse

_GONE = 410
#: Characters of an answer that the log of deliveries keeps.
_ANSWER = 500


def send(delivery: Delivery) -> str:
    """Post a message. A private address is refused as HTTP blocks are."""
    channel = delivery.channel
    assert channel is not None
    now = datetime.now(UTC)
    body = json.dumps(payload(delivery), ensure_ascii=False)
    request = HttpRequest(
        "POST",
        channel.address,
        headers={
            "Content-Type": "application/json",
            **signature_headers(channel, delivery, body, now),
        },
        body=body,
    )
    try:
        response = clients(time.time() + DELIVERY_SECONDS).http.send(request)
    except ConnectionError as error:
        raise DeliveryFailed(f"There was no answer: {error}") from None
    answer = f"{response.status} {response.reason} {response.body[:_ANSWER]}".strip()
    if response.status == _GONE:
        AlertChannel.objects.filter(pk=channel.pk).update(is_on=False)
        raise DeliveryRefused(f"{answer}: it wants no more messages, so it is switched off.")
    if not 200 <= response.status < 300:
        raise DeliveryFailed(answer, _after(response))
    return answer


def payload(delivery: Delivery) -> dict[str, object]:
    """Return the body: its type, when it happened, and what."""
    message = Message.of(delivery)
    return {
        "type": f"alert.{delivery.step}",
        "timestamp": delivery.created_at.isoformat(),
        "data": {
            "id": str(delivery.pk),
            "alert": message.alert_id,
            "rule": message.rule,
            "kind": delivery.occasion,
            "title": message.title,
            "text": message.text,
            "url": absolute(message.address),
            "findings": [
                {"text": text, "url": absolute(address)} for text, address in message.lines
            ],
            "more": message.more,
        },
    }


def signature_headers(
    channel: AlertChannel, delivery: Delivery, body: str, now: datetime
) -> dict[str, str]:
    """Return the headers of Standard Webhooks: signed by the newest secret, and for a while by the
    one before, so that the receiver may change to it meanwhile."""
    key = str(delivery.pk)
    signatures = [Webhook(secret).sign(key, now, body) for secret in channel.secrets_at(now)]
    return {
        "webhook-id": key,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _after(response: HttpResponse) -> float | None:
    wanted = {name.lower(): text for name, text in response.headers.items()}.get("retry-after", "")
    return min(float(wanted), MAX_DELIVERY_RETRY_SECONDS) if wanted.isdigit() else None


CHANNEL_TYPE = ChannelType(
    name="webhook",
    label="Webhook",
    column="",
    order=50,
    targets=lambda _: [],
    missing=lambda _: "",
    send=send,
)
