"""An id for each request, by which its lines in the log are found."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import uuid4

from executions import log_context

Message = MutableMapping[str, Any]

HEADER = b"x-request-id"
#: What is believed of a client or a proxy; for anything else there is an id of our own.
_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")


class RequestIds:
    """Takes the id from the header X-Request-ID, or makes one, and sends it back."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.application(scope, receive, send)
            return
        request_id = _given(scope) or uuid4().hex.encode()

        async def send_with_id(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                headers = [*message.get("headers", ()), (HEADER, request_id)]
                message = {**message, "headers": headers}
            await send(message)

        with log_context.bound(request_id=request_id.decode()):
            await self.application(scope, receive, send_with_id)


def _given(scope: Message) -> bytes:
    for name, value in scope["headers"]:
        if name == HEADER and _ID.fullmatch(value):
            return bytes(value)
    return b""
