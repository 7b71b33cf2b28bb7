"""Whether a request to a webhook comes from who may send it."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from standardwebhooks import Webhook as Signer
from standardwebhooks import WebhookVerificationError

from executions.models import Webhook

S = Webhook.Scheme
#: Headers that tell one message from another, where the scheme has none of its own.
_MESSAGE_IDS = ("idempotency-key", "webhook-id", "x-github-delivery")


class Refused(Exception):
    """A request whose signature or token is wrong, as a sentence."""


def verify(webhook: Webhook, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Return if a request is signed by a secret of the webhook. Raises Refused. The names of
    headers are in lower case."""
    if webhook.scheme == S.ADDRESS:
        return
    known = webhook.secrets_at(now)
    if not known:
        raise Refused("The webhook has no secret: make a new one.")
    problems = [_problem(webhook, secret, headers, body) for secret in known]
    if "" not in problems:
        raise Refused(problems[0])


def message_id(webhook: Webhook, headers: Mapping[str, str]) -> str:
    """Return what the headers of a request say of its message; empty where they say nothing."""
    if webhook.scheme == S.STANDARD:
        return headers.get("webhook-id", "")
    if webhook.scheme == S.GITHUB:
        return headers.get("x-github-delivery", "")
    return next((headers[name] for name in _MESSAGE_IDS if headers.get(name)), "")


def _problem(webhook: Webhook, secret: str, headers: Mapping[str, str], body: bytes) -> str:
    """Return why a request is not signed by a secret; empty when it is."""
    if webhook.scheme == S.STANDARD:
        return _standard(secret, headers, body)
    if webhook.scheme == S.GITHUB:
        return _github(secret, headers, body)
    return _token(secret, headers, webhook.token_header.lower())


def _standard(secret: str, headers: Mapping[str, str], body: bytes) -> str:
    try:
        Signer(secret).verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError as problem:
        return f"Its signature is wrong: {str(problem).lower()}."
    except ValueError:  # a body that is not UTF-8, a signature that is not base64
        return "Its signature cannot be read."
    return ""


def _github(secret: str, headers: Mapping[str, str], body: bytes) -> str:
    given = headers.get("x-hub-signature-256", "")
    if not given:
        return "It has no header X-Hub-Signature-256."
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    is_right = hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
    return "" if is_right else "Its signature is wrong."


def _token(secret: str, headers: Mapping[str, str], name: str) -> str:
    given = headers.get(name, "")
    if not given:
        return f"It has no header {name}."
    if name == "authorization" and given[:7].lower() == "bearer ":
        given = given[7:]
    is_right = hmac.compare_digest(given.strip().encode("utf-8", "replace"), secret.encode())
    return "" if is_right else "Its token is wrong."
