"""Limits the size and the duration of request bodies, as the settings say.

Django stores a whole body, a large one on disk, before it looks at the rest of a request.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: How long what comes after a refusal is read and dropped: many clients read an answer only once
#: they have sent everything, and closing before would take it from them.
DRAIN_SECONDS = 2.0


class RequestLimits:
    """Answers 413 to a body of more than `size` bytes, before reading it when its length is known,
    and 408 to one that takes longer than `seconds` or pauses for a quarter of that."""

    def __init__(self, application: Any, size: int, seconds: float) -> None:
        self.application = application
        self.size = size
        self.seconds = seconds

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        if _declared(scope) > self.size:
            await refuse(scope, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._told, receive, send)
            return
        body = _Body(receive, send, self.size, self.seconds)
        # What is refused looks to the application as if the client had left.
        await self.application(scope, body.receive, body.send)
        if body.refused and not body.answered:
            await refuse(scope, body.refused, self._told, receive, send)

    @property
    def _told(self) -> str:
        return f"A request may have up to {self.size:,} bytes, and take up to {self.seconds:g} s.\n"


class _Body:
    """The body of one request on its way to the application."""

    def __init__(self, receive: Receive, send: Send, size: int, seconds: float) -> None:
        self._receive = receive
        self._send = send
        self._left = size
        self._pause = seconds / 4
        self._until = asyncio.get_running_loop().time() + seconds
        self._complete = False
        self.refused: HTTPStatus | None = None
        self.answered = False

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(min(self._until, now + self._pause)):
                message = await self._receive()
        except TimeoutError:
            return self._end(HTTPStatus.REQUEST_TIMEOUT)
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            return self._end(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        self._complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        self.answered = True
        await self._send(message)

    def _end(self, why: HTTPStatus) -> Message:
        self.refused, self._complete = why, True
        return {"type": "http.disconnect"}


def _declared(scope: Message) -> int:
    """Return the declared length of a body, or 0. The server has checked that it is a number, and
    reads no more than that."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0


async def refuse(
    scope: Message, status: HTTPStatus, told: str, receive: Receive, send: Send
) -> None:
    """Answer a request without passing it on: with a text, or a program with problem details."""
    content_type, body = b"text/plain; charset=utf-8", told.encode()
    if scope["path"].startswith("/api/"):
        problem = {"title": status.phrase, "status": status.value, "detail": told.strip()}
        content_type, body = b"application/problem+json", json.dumps(problem).encode()
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        await _drain(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while (message := await receive()).get("more_body", False):
                del message
    except TimeoutError:
        pass
