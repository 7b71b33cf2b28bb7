"""Security headers on every answer, whoever makes it: Django, the static files, the limits in front
of them, or the server itself."""

from functools import cache
from http import HTTPStatus
from typing import Any

from csp.utils import build_policy
from django.conf import settings

from cortexweb.web.request_limits import Message, Receive, Send, refuse

Header = tuple[bytes, bytes]


@cache
def security_headers() -> tuple[Header, ...]:
    """Return the headers that every answer has, with the values that views may replace."""
    found = {
        "content-security-policy": build_policy(),
        "cross-origin-opener-policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
        "referrer-policy": settings.SECURE_REFERRER_POLICY,
        "x-content-type-options": "nosniff",
        "x-frame-options": settings.X_FRAME_OPTIONS,
    }
    if settings.HTTPS_ONLY:
        found["strict-transport-security"] = (
            f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
        )
    return tuple((name.encode(), value.encode()) for name, value in found.items())


class SecurityHeaders:
    """Adds the security headers that an answer does not have."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        is_started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal is_started
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                is_started = True
                given = [(bytes(name).lower(), value) for name, value in message.get("headers", ())]
                has = {name for name, _ in given}
                missing = [one for one in security_headers() if one[0] not in has]
                message = {**message, "headers": [*given, *missing]}
            await send(message)

        try:
            await self.application(scope, receive, send_with_headers)
        except Exception:
            # The server would answer without headers; it writes to the log what has happened.
            if scope["type"] == "http" and not is_started:
                told = "Something went wrong.\n"
                status = HTTPStatus.INTERNAL_SERVER_ERROR
                await refuse(scope, status, told, receive, send_with_headers)
            raise


def lines() -> bytes:
    """Return the security headers as the server writes them by itself."""
    return b"".join(b"%s: %s\r\n" % header for header in security_headers())
