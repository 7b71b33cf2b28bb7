"""HTTP requests, to public addresses only unless HTTP_PRIVATE_ADDRESSES allows others."""

import codecs
import ssl
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import Any

import httpcore
import httpx

from executions.effects.addresses import Networks
from executions.effects.connections import HostRefused, addresses_of
from executions.limits import HTTP_BODY_BYTES, HTTP_TIMEOUT
from flows.blocks.clients import HttpRequest, HttpResponse
from flows.values import legible

#: Byte order marks: they say how a text is encoded, and count more than the header.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: Encodings of Python that are not charsets of the web.
_NO_CHARSETS = frozenset(
    {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"}
)
#: The content codings of a body, and the window that zlib needs; 0 for none. A body is not decoded
#: twice: a few bytes could stand for terabytes.
_CODINGS = {
    "": 0,
    "identity": 0,
    "gzip": 16 + zlib.MAX_WBITS,
    "x-gzip": 16 + zlib.MAX_WBITS,
    "deflate": zlib.MAX_WBITS,
}


def _left(until: float, timeout: float | None) -> float:
    """Return the seconds that an operation may take. Raises ReadTimeout when none are left."""
    left = until - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time of the request is over")
    return min(left, HTTP_TIMEOUT if timeout is None else timeout)


class _TimedStream(httpcore.NetworkStream):
    """A connection that ends at one moment. A timeout for each operation alone would let an answer
    that comes byte by byte take for ever."""

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
    """Connects to allowed addresses only. The address that was checked is the one that is used, so
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
        problem: Exception | None = None
        try:
            found = addresses_of(host, port, self.allowed)
        except HostRefused as refused:
            raise httpcore.ConnectError(str(refused)) from None
        for ip in found:
            try:
                left = _left(self.until, timeout)
                stream = super().connect_tcp(ip, port, left, local_address, socket_options)
                return _TimedStream(stream, self.until)
            except httpcore.ConnectError as error:
                problem = error
        raise problem or httpcore.ConnectError(f"{host} has no address")


@cache
def _tls() -> ssl.SSLContext:
    """Return what TLS trusts. To read the authorities takes 50 ms, so a process does it once."""
    return httpx.create_ssl_context()


@dataclass(frozen=True, slots=True)
class HttpxHttp:
    """The HTTP client, by httpx. It follows no redirects: a flow decides on them.

    A request gives up at `until`, on the monotonic clock.
    """

    allowed: Networks = ()
    until: float = inf

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send a request; return its response. Raises ConnectionError."""
        # The whole request ends then, however slowly the answer comes.
        until = min(self.until, time.monotonic() + HTTP_TIMEOUT)
        transport = httpx.HTTPTransport(verify=_tls())
        transport._pool._network_backend = _GuardedBackend(self.allowed, until)
        try:
            with (
                httpx.Client(transport=transport, timeout=HTTP_TIMEOUT, trust_env=False) as client,
                client.stream(
                    request.method,
                    request.url,
                    params={legible(k): legible(v) for k, v in request.query.items()} or None,
                    headers={"Accept-Encoding": "gzip, deflate", **request.headers},
                    content=legible(request.body).encode() if request.body else None,
                    auth=request.credentials,
                ) as response,
            ):
                content = _content(response)
        except _FAILURES as error:
            raise ConnectionError(str(error) or type(error).__name__) from None
        return HttpResponse(
            status=response.status_code,
            reason=response.reason_phrase,
            headers=dict(response.headers),
            body=_text(content, response.charset_encoding),
        )


#: What the libraries raise because of a server, or of a request that no server could answer.
_FAILURES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, LookupError, ValueError)


def _content(response: httpx.Response) -> bytes:
    """Return the body of an answer. Raises ConnectionError for one that is too large, ends early,
    or has an unknown encoding."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in _CODINGS:
        raise ConnectionError(f"its body is encoded as {coding[:100]}, which is not supported")
    content = bytearray()
    for chunk in response.iter_raw():
        content += chunk
        _measure(content)
    return _decompressed(content, coding) if _CODINGS[coding] and content else bytes(content)


def _decompressed(data: bytearray, coding: str) -> bytes:
    """Return the decompressed body, of which no more than the limit is ever decompressed. Raises
    ConnectionError as `_content` does."""
    rest, content = bytes(data), bytearray()
    window = _CODINGS[coding]
    if coding == "deflate" and (rest[0] & 15 != 8 or int.from_bytes(rest[:2]) % 31):
        window = -zlib.MAX_WBITS  # many servers leave zlib's frame out
    while rest:
        decoder = zlib.decompressobj(window)
        try:
            content += decoder.decompress(rest, HTTP_BODY_BYTES + 1 - len(content))
        except zlib.error as error:
            raise ConnectionError(f"its body is not what {coding} makes: {error}") from None
        _measure(content)
        if not decoder.eof:
            raise ConnectionError(f"its body, encoded as {coding}, ends early")
        # A body of gzip may have several members.
        rest = decoder.unused_data if coding != "deflate" else b""
    return bytes(content)


def _measure(content: bytearray) -> None:
    if len(content) > HTTP_BODY_BYTES:
        raise ConnectionError(f"the body is larger than {HTTP_BODY_BYTES:,} bytes")


def _text(content: bytes, charset: str | None) -> str:
    """Return the text of a body without its byte order mark, as UTF-8 when its charset is unknown,
    with replacement characters for what cannot be decoded."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    return content.decode(_encoding(charset), "replace")


def _encoding(charset: str | None) -> str:
    try:
        found = codecs.lookup(charset or "utf-8")
    except (LookupError, ValueError):
        return "utf-8"
    name = found.name.replace("-", "_")
    is_text = getattr(found, "_is_text_encoding", True) and name not in _NO_CHARSETS
    return found.name if is_text else "utf-8"
