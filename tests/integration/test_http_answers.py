"""Answers that break the rules of HTTP, and addresses that lead elsewhere: a flow gets what can be
read of an answer, or an exception that it can handle; never an error of a library."""

import gzip
import ipaddress
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from executions.effects import clients_of, http
from executions.effects.addresses import is_allowed
from executions.effects.files.store import FolderFiles
from executions.effects.http import HttpxHttp
from flows.blocks import BY_TYPE
from flows.blocks.clients import HttpRequest
from flows.blocks.errors import BlockException

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves the given bytes to each connection; `again` is sent over and over after them."""
    over = threading.Event()
    servers: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def answer(connection: socket.socket, start: bytes, again: bytes, pause: float) -> None:
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(start)
                while again and not over.wait(pause):
                    connection.sendall(again)
            except OSError:
                return  # the client has gone

    def accept(server: socket.socket, *sent: Any) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            answer(connection, *sent)

    def begin(start: bytes, again: bytes = b"", pause: float = 0) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        thread = threading.Thread(target=accept, args=(server, start, again, pause))
        thread.start()
        threads.append(thread)
        return f"http://127.0.0.1:{server.getsockname()[1]}/"

    yield begin
    over.set()
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
    for thread in threads:
        thread.join()


def ask(uri: str, **request: Any) -> dict[str, Any]:
    block = BY_TYPE["execute http request"]
    given = {"Http Request": {"Uri": uri, **request}, "Http Credentials": None}
    clients = clients_of(FolderFiles(None), LOOPBACK)  # type: ignore[arg-type]
    answer: dict[str, Any] = dict(block.perform(given, clients))["Http Response"]
    return answer


def thrown(uri: str, **request: Any) -> str:
    with pytest.raises(BlockException) as caught:
        ask(uri, **request)
    return caught.value.value.short_type


def page(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    told = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([*told, "", ""]).encode() + body


@pytest.mark.parametrize(
    "charset",
    ["rot13", "base64", "idna", "punycode", "hex", "zlib", "undefined", "unicode_escape",
     "no-such", "a\tb", "utf-8", '"utf-8"', "", "ü"],
)  # fmt: skip
def test_a_charset_that_is_none_is_utf_8(serve: Serve, charset: str) -> None:
    uri = serve(page("größe \\d".encode(), f"Content-Type: text/plain; charset={charset}"))
    assert ask(uri)["ResponseBody"] == "größe \\d"


def test_a_known_charset_counts(serve: Serve) -> None:
    body = "größe".encode("latin-1")
    uri = serve(page(body, "Content-Type: text/plain; charset=iso-8859-1"))
    assert ask(uri)["ResponseBody"] == "größe"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=utf-16"])
def test_a_byte_order_mark_is_left_out(serve: Serve, encoding: str, charset: str) -> None:
    text = ("\ufeff" if encoding == "utf-16-be" else "") + '{"a": 1}'
    uri = serve(page(text.encode(encoding), f"Content-Type: application/json{charset}"))
    assert ask(uri)["ResponseBody"] == {"a": 1}


def test_headers_that_are_not_ascii_are_read(serve: Serve) -> None:
    answer = ask(serve(page(b"hi", "X-Size: größe", status="200 Schön")))
    assert (answer["ResponseBody"], answer["Headers"]["x-size"]) == ("hi", "größe")


def test_a_compressed_body_is_read(serve: Serve) -> None:
    body = "größe".encode() * 1000
    raw = zlib.compressobj(wbits=-15)
    for coding, data in (
        ("gzip", gzip.compress(body[:4000]) + gzip.compress(body[4000:])),
        ("x-gzip", gzip.compress(body)),
        ("deflate", zlib.compress(body)),
        ("deflate", raw.compress(body) + raw.flush()),
        ("identity", body),
    ):
        assert (
            ask(serve(page(data, f"Content-Encoding: {coding}")))["ResponseBody"] == body.decode()
        )
    assert ask(serve(page(b"", "Content-Encoding: gzip")))["ResponseBody"] == ""


BROKEN = {
    "a body that ends early": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\nhi",
    "a length of 5,000 digits": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi",
    "a chunk that ends early": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhi",
    "a chunk without a size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n",
    "an unknown transfer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\nhi",
    "no answer": b"",
    "not HTTP": b"hello\r\n\r\n",
    "a header without a name": b"HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    "a header's name that is not ASCII": page(b"hi", "X-Größe: ja"),
    "a status that is none": b"HTTP/1.1 abc OK\r\n\r\n",
    "half of gzip": page(gzip.compress(b"x" * 1000)[:20], "Content-Encoding: gzip"),
    "gzip and more": page(gzip.compress(b"x") + b"more", "Content-Encoding: gzip"),
    "no gzip": page(b"hello", "Content-Encoding: gzip"),
    "no deflate": page(b"hello", "Content-Encoding: deflate"),
    "an unknown coding": page(b"hello", "Content-Encoding: zz"),
    "compressed twice": page(
        gzip.compress(gzip.compress(b"x" * 10**6)), "Content-Encoding: gzip, gzip"
    ),
    "a large body": page(zlib.compress(b"x" * 20_000_000), "Content-Encoding: deflate"),
}


@pytest.mark.parametrize("start", BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_throws_what_a_flow_can_handle(serve: Serve, start: bytes) -> None:
    assert thrown(serve(start)) == "InvalidRequestException"


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 100_000),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 10_000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-A: ", b"b" * 10_000),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"3e8\r\n" + b"x" * 1000 + b"\r\n",
        ),
    ],
)
def test_what_never_ends_is_given_up(serve: Serve, start: bytes, again: bytes) -> None:
    assert thrown(serve(start, again)) == "InvalidRequestException"


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_what_trickles_in_is_given_up(
    serve: Serve, start: bytes, again: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "HTTP_TIMEOUT", 1)
    uri = serve(start, again, 0.02)
    began = time.monotonic()
    assert thrown(uri) == "InvalidRequestException"
    assert time.monotonic() - began < 10


INVALID = {
    "a number": {"Uri": "http://h/", "Headers": {"X": 10**5000}},
    "a list": {"Uri": ["http://h/"]},
    "half of a character": {"Uri": "http://h/\ud83d"},
    "half of a character in the body": {"Uri": "http://h/", "Body": "\ud83d"},
    "half of a character in the query": {"Uri": "http://h/", "QueryParameters": {"\ud83d": "a"}},
    "headers": {"Uri": "http://h/", "Headers": ["a"]},
    "query": {"Uri": "http://h/", "QueryParameters": "a=b"},
    "verb": {"Uri": "http://h/", "Verb": {}},
}
#: Requests that HTTP has no form for.
NO_HTTP: dict[str, dict[str, Any]] = {
    "port 99999": {"Uri": "http://127.0.0.1:99999/"},
    "port 0": {"Uri": "http://127.0.0.1:0/"},
    "port -1": {"Uri": "http://127.0.0.1:-1/"},
    "port abc": {"Uri": "http://127.0.0.1:abc"},
    "a port of 10 digits": {"Uri": "http://user:pw@127.0.0.1:1000000080/"},
    "a port of IPv6": {"Uri": "https://[::1]:65536?x"},
    "NUL": {"Uri": "http://h/\0"},
    "a header's name": {"Uri": "http://h/", "Headers": {"a b": "c"}},
    "a header's lines": {"Uri": "http://h/", "Headers": {"a": "b\r\nc: d"}},
    "a header's characters": {"Uri": "http://h/", "Headers": {"a": "größe"}},
    "content type": {"Uri": "http://h/", "Verb": "POST", "Body": "x", "ContentType": "a\nb"},
    "a body of GET": {"Uri": "http://h/", "Body": "x"},
}


@pytest.mark.parametrize("request_", INVALID.values(), ids=INVALID)
def test_a_value_of_a_wrong_type_is_an_invalid_property(request_: dict[str, Any]) -> None:
    others = {key: value for key, value in request_.items() if key != "Uri"}
    assert thrown(request_["Uri"], **others) == "InvalidPropertyValueException"


@pytest.mark.parametrize("request_", NO_HTTP.values(), ids=NO_HTTP)
def test_a_request_that_http_has_no_form_for_is_invalid(request_: dict[str, Any]) -> None:
    others = {key: value for key, value in request_.items() if key != "Uri"}
    assert thrown(request_["Uri"], **others) == "InvalidRequestException"


PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16
169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1
192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255
240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:10.0.0.1 ::ffff:127.0.0.1
::ffff:169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe
64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1
2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe::1 3fff::1 5f00::1 4000::1 fc00::1
fd00:ec2::254 fd20:ce::254 fe80::1 fe80::5efe:127.0.0.1 2606:4700::5efe:10.0.0.1
2606:4700::200:5efe:10.0.0.1 fec0::1 ff02::1 ff0e::1
""".split()  # noqa: SIM905
PUBLIC = """
1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.32.0.1 192.0.1.1 198.20.0.1 223.255.255.255
2606:4700::1111 2a00:1450::1 64:ff9b::8.8.8.8 ::ffff:8.8.8.8 2002:808:808::1
""".split()  # noqa: SIM905


@pytest.mark.parametrize("text", PRIVATE)
def test_what_is_not_public_is_refused(text: str) -> None:
    assert not is_allowed(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_public_is_allowed(text: str) -> None:
    assert is_allowed(ipaddress.ip_address(text))


def test_a_network_that_is_allowed_is_so_in_each_spelling() -> None:
    for text in ("127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1"):
        assert is_allowed(ipaddress.ip_address(text), LOOPBACK)
    assert not is_allowed(ipaddress.ip_address("::ffff:10.0.0.1"), LOOPBACK)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "0x7f000001", "0", "localhost",
     "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
     "169.254.169.254", "[fd00:ec2::254]", "[fe80::1%25lo]", "①②⑦.⓪.⓪.①"],
)  # fmt: skip
def test_no_spelling_leads_inside(serve: Serve, host: str) -> None:
    port = serve(page(b"inside")).rpartition(":")[2]
    with pytest.raises(ConnectionError):
        HttpxHttp().send(HttpRequest("GET", f"http://{host}:{port}"))


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("application/json", "[1, 2.5, null]", [1, 2.5, None]),
        ("application/problem+json; charset=utf-8", '{"title": "ö"}', {"title": "ö"}),
        ("application/json", "{no", "{no"),
        ("application/json", "[" * 5000, "[" * 5000),
        ("application/json", "", ""),
        ("text/xml", "<a b='1'><c>2</c></a>", {"a": {"@b": "1", "c": "2"}}),
        ("application/atom+xml", "<a/>", {"a": None}),
        ("application/xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', None),
        ("text/plain", "{}", "{}"),
        ("", "{}", "{}"),
    ],
)
def test_a_body_is_what_its_content_type_says(
    serve: Serve, kind: str, body: str, expected: Any
) -> None:
    """And text where it is not that."""
    found = ask(serve(page(body.encode(), f"Content-Type: {kind}")))["ResponseBody"]
    assert found == (body if expected is None else expected)


def test_an_exception_does_not_show_who_signs_in_by_the_address() -> None:
    with pytest.raises(BlockException) as caught:
        ask("http://ada:hidden@127.0.0.1:9/")
    assert "hidden" not in caught.value.value.message
