"""HTTP requests, to public addresses only unless HTTP_PRIVATE_ADDRESSES allows others."""

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpcore
import httpx

from executions.limits import HTTP_BODY, HTTP_TIMEOUT
from flows.blocks.world import HttpAnswer


class _GuardedBackend(httpcore.SyncBackend):
    """Connects only to addresses that are allowed: the very address that was checked is used, so
    that a name cannot resolve to another one in between."""

    def __init__(self, allowed: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> None:
        self.allowed = allowed

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
                return super().connect_tcp(str(ip), port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                problem = error
        raise problem or httpcore.ConnectError(refused or f"{host} has no address")


@dataclass(frozen=True, slots=True)
class HttpxHttp:
    """`flows.blocks.world.Http` by httpx. Redirects are not followed: a flow decides on them."""

    allowed: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

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
        transport._pool._network_backend = _GuardedBackend(self.allowed)
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
