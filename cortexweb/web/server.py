"""The web server: `python -m cortexweb.web.server --host 0.0.0.0 --port 8000`.

It is uvicorn with two changes: alone it waits without limit for the rest of a request's head, and
trusts any X-Forwarded-For from the same machine.
"""

import argparse
import os
from asyncio import TimerHandle, Transport
from typing import Any

import uvicorn
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cortexweb import json_log
from cortexweb.web import security_headers

#: The most bytes of the address and the headers of a request.
HEAD_BYTES = 100_000
#: The most bytes of a live message: a little more than `executions.live.consumers` reads.
SOCKET_BYTES = 2_000_000


class HeadTimeoutProtocol(HttpToolsProtocol):
    """HTTP with a time limit for heads: a quarter of REQUEST_SECONDS from the connection, or from
    the first byte of a later request. It also applies to WebSockets."""

    _waiting: TimerHandle | None = None
    _head_size = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        if self._waiting is None and (self.cycle is None or self.cycle.response_complete):
            self._wait()
        super().data_received(data)
        if self._waiting is not None:
            self._head_size += len(data)
            if self._head_size > HEAD_BYTES:
                self._refuse("431 Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        # Whoever takes it from here would wait for the body without end.
        if any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers):
            self.send_400_response("A WebSocket request must not have a body.")
        else:
            super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._head_size = 0
        self._waiting = self.loop.call_later(
            settings.REQUEST_SECONDS / 4, self._refuse, "408 Request Timeout"
        )

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _refuse(self, status: str) -> None:
        self._stop_waiting()
        if self.transport.is_closing():
            return
        if self._head_size:
            head = f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n"
            self.transport.write(head.encode() + security_headers.lines() + b"\r\n")
        self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP with the headers of every other answer."""
        body = f"{msg}\n".encode("ascii", "replace")
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n"
        )
        self.transport.write(head.encode() + security_headers.lines() + b"\r\n" + body)
        self.transport.close()


def options() -> dict[str, Any]:
    """Return the options of uvicorn, apart from its address."""
    return {
        "http": HeadTimeoutProtocol,
        # `cortexweb.asgi` looks after these headers, and after whose are believed.
        "proxy_headers": False,
        "lifespan": "off",
        "ws_max_size": SOCKET_BYTES,
        # Compressing each frame for each browser would cost more than all the rest of it.
        "ws_per_message_deflate": False,
        **json_log.uvicorn_options(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m cortexweb.web.server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (%(default)s)")
    parser.add_argument(
        "--timeout-graceful-shutdown",
        type=int,
        default=None,
        metavar="SECONDS",
        help="how long requests may take to end when the server does",
    )
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cortexweb.settings")
    uvicorn.run("cortexweb.asgi:application", **vars(chosen), **options())


if __name__ == "__main__":
    main()
