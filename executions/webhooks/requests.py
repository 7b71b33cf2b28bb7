"""What a request to a webhook says: as expressions read it, and as it is kept without secrets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest, QueryDict

from executions.commands.actor import address_of
from executions.engine.secrets import Secrets
from executions.limits import (
    WEBHOOK_BYTES_KEPT,
    WEBHOOK_HEADER_KEPT,
    WEBHOOK_HEADERS_KEPT,
)
from executions.models import Webhook, WebhookRequest
from flows import parsing, values

#: What the expressions of a webhook read.
NAMES = {
    "body": "the body: of JSON its value, of a form its fields, otherwise its text",
    "headers": "the headers by their names in lower case, without those that hold secrets",
    "query": "what the address says after its ?, by name",
    "method": "POST or PUT",
    "now": "when the request came",
}
#: Headers and parameters that hold secrets: nobody reads these, and they are not kept.
_SECRET = re.compile(
    r"auth|token|secret|signature|cookie|password|passwd|credential|session|(^|[-_])(api)?key$"
)
_FORM = "application/x-www-form-urlencoded"


class Unreadable(ValueError):
    """A request whose body is not what it says."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request, with its secret headers and parameters."""

    at: datetime
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    body: bytes = b""
    address: str | None = None
    #: Who has sent it again from the page of a webhook; empty for a sender.
    replayed_by: str = ""

    @classmethod
    def of(cls, request: HttpRequest, now: datetime) -> "Received":
        return cls(
            at=now,
            method=request.method or "",
            headers={name.lower(): value for name, value in request.headers.items()},
            query=request.META.get("QUERY_STRING", ""),
            body=request.body,
            address=address_of(request),
        )

    @classmethod
    def again(cls, kept: WebhookRequest, now: datetime, replayed_by: str = "") -> "Received":
        """Return a request that was kept, with its body."""
        content = kept.content or {}
        return cls(
            at=now,
            method=kept.method,
            headers=content.get("headers", {}),
            query=content.get("query", ""),
            body=content.get("body", "").encode("utf-8", "surrogateescape"),
            replayed_by=replayed_by,
        )

    def variables(self, webhook: Webhook) -> dict[str, Any]:
        """Return what expressions read. Raises Unreadable."""
        fields = QueryDict(self.query)
        return {
            "body": _body(self.body, self.headers.get("content-type", "")),
            "headers": self.readable_headers(webhook),
            "query": {n: values.storable(str(v)) for n, v in fields.items() if not _is_secret(n)},
            "method": self.method,
            "now": self.at,
        }

    def readable_headers(self, webhook: Webhook) -> dict[str, str]:
        """Return the headers that hold no secret, as far as they are kept."""
        token = webhook.token_header.lower() if webhook.scheme == Webhook.Scheme.TOKEN else ""
        found = {
            name: values.storable(text[:WEBHOOK_HEADER_KEPT])
            for name, text in self.headers.items()
            if not _is_secret(name) and name != token
        }
        return dict(list(found.items())[:WEBHOOK_HEADERS_KEPT])

    def content(self, webhook: Webhook) -> dict[str, Any]:
        """Return what is kept of it; of a body that is too large nothing."""
        fields = QueryDict(self.query, mutable=True)
        for name in [name for name in fields if _is_secret(name)]:
            del fields[name]
        kept = {"headers": self.readable_headers(webhook), "query": fields.urlencode()}
        if len(self.body) <= WEBHOOK_BYTES_KEPT:
            text = self.body.decode("utf-8", "replace")
            kept["body"] = values.storable(text)
        return kept


def _is_secret(name: str) -> bool:
    return _SECRET.search(name.lower()) is not None


def shown_body(kept: WebhookRequest) -> str | None:
    """Return the body that is kept of a request, with the secrets that it gave masked; None where
    it was too large to be kept."""
    content = kept.content or {}
    if "body" not in content:
        return None
    secrets = Secrets({}, dict.fromkeys(content.get("secret_texts", ())))
    return secrets.redact_text(str(content["body"]))


def _body(body: bytes, content_type: str) -> Any:
    """Return the value of a body. Raises Unreadable."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Unreadable("Its body is not UTF-8.") from None
    if kind == _FORM:
        return {name: values.storable(str(item)) for name, item in QueryDict(text).items()}
    if kind.endswith("json") or (not kind and text.lstrip()[:1] in ("{", "[")):
        return _json(text)
    return values.storable(text)


def _json(text: str) -> Any:
    if not text.strip():
        return None
    try:
        found = parsing.load(text)
    except parsing.ParseError as problem:
        raise Unreadable(f"Its body cannot be read. {problem}") from None
    if values.too_deep(found):
        raise Unreadable("Its body is nested too deeply.")
    return found
