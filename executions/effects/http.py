"""HTTP requests, to public addresses only unless HTTP_PRIVATE_ADDRESSES allows others."""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import httpcore
import httpx

from executions.limits import HTTP_BODY, HTTP_TIMEOUT
from flows.blocks.world import HttpAnswer

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def _left(until: float, timeout: float | None) -> float:
    """The seconds that an operation may take. Raises ReadTimeout when there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time of the request is over")
    return min(left, HTTP_TIMEOUT if timeout is None else timeout)


class _TimedStream(httpcore.NetworkStream):
    """A connection on which everything together ends at one moment: a timeout for each operation
    alone would let an answer that comes byte by byte take for ever."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self.stream = stream
        self.until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, _left(self.until, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, _left(self.until, timeout))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self.until, timeout)
        return _TimedStream(self.stream.start_tls(ssl_context, server_hostname, left), self.until)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


class _GuardedBackend(httpcore.SyncBackend):
    """Connects only to addresses that are allowed: the very address that was checked is used, so
    that a name cannot resolve to another one in between."""

    def __init__(self, allowed: Networks, until: float) -> None:
        self.allowed = allowed
        self.until = until

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} is not known: {error}") from None
        refused = ""
        problem: httpcore.ConnectError | None = None
        for *_, address in found:
            ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
            if not (ip.is_global or any(ip in network for network in self.allowed)):
                refused = f"{ip} is a private address; HTTP_PRIVATE_ADDRESSES does not allow it"
                continue
            try:
                left = _left(self.until, timeout)
                stream = super().connect_tcp(str(ip), port, left, local_address, socket_options)
                return _TimedStream(stream, self.until)
            except httpcore.ConnectError as error:
                problem = error
        raise problem or httpcore.ConnectError(refused or f"{host} has no address")


@dataclass(frozen=True, slots=True)
class HttpxHttp:
    """`flows.blocks.world.Http` by httpx. Redirects are not followed: a flow decides on them.

    A request gives up at `until`, on the monotonic clock.
    """

    allowed: Networks = ()
    until: float = inf

    def request(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: str,
        credentials: tuple[str, str] | None,
    ) -> HttpAnswer:
        transport = httpx.HTTPTransport()
        transport._pool._network_backend = _GuardedBackend(self.allowed, self.until)
        try:
            with (
                httpx.Client(transport=transport, timeout=HTTP_TIMEOUT, trust_env=False) as client,
                client.stream(
                    method,
                    url,
                    params=dict(query) or None,
                    headers=dict(headers),
                    content=body.encode() if body else None,
                    auth=credentials,
                ) as response,
            ):
                content = b""
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > HTTP_BODY:
                        raise ConnectionError(f"the body is larger than {HTTP_BODY:,} bytes")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ConnectionError(str(error) or type(error).__name__) from None
        return HttpAnswer(
            status=response.status_code,
            reason=response.reason_phrase,
            headers=dict(response.headers),
            body=content.decode(response.encoding or "utf-8", "replace"),
        )
