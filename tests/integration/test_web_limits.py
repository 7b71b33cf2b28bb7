"""What arrives from the network: how much, how slow, from where, on a real server."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished
from django.test import Client
from redis import Redis

from cortexweb.web import origin_check
from cortexweb.web.handler import Handler, application
from tests.conftest import LiveApp
from tests.servers import free_port, web_server

SIZE, SECONDS = 100_000, 4.0


@pytest.fixture(scope="module")
def strict(
    product_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveApp]:
    """A server with small limits."""
    limits = {"MAX_REQUEST_BYTES": str(SIZE), "REQUEST_SECONDS": str(SECONDS)}
    port = free_port()
    log = tmp_path_factory.mktemp("strict") / "web.log"
    process = web_server(log, {**product_environment, **limits}, port)
    yield LiveApp(f"http://127.0.0.1:{port}", process)
    process.stop()
    print(process.output)


def connect(app: LiveApp) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", httpx.URL(app.url).port or 0))
    made.settimeout(SECONDS + 25)
    return made


def answer(made: socket.socket) -> str:
    """Everything that comes until the server closes."""
    parts = []
    try:
        while part := made.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts).decode("latin-1")


def head(path: str = "/healthz", *lines: str, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def sent(app: LiveApp, *pieces: bytes, pause: float = 0) -> str:
    """The answer to what is sent in pieces."""
    with connect(app) as made:
        for piece in pieces:
            try:
                made.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                break
            time.sleep(pause)
        return answer(made)


# How much ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/healthz", "/login/", "/nowhere/", "/static/css/value-view.css"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_body_that_says_it_is_too_large_is_not_read(
    path: str, method: str, strict: LiveApp
) -> None:
    begun = time.monotonic()
    told = sent(strict, head(path, f"Content-Length: {300_000_000}", method=method))
    assert told.startswith("HTTP/1.1 413 ")
    assert "A request may have up to 100,000 bytes" in told
    assert time.monotonic() - begun < SECONDS


def test_a_body_that_does_not_say_how_large_it_is_is_counted(strict: LiveApp) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(3000):
            yield b"x" * 10_000

    begun = time.monotonic()
    try:
        told = httpx.post(f"{strict.url}/healthz", content=endless(), timeout=20).status_code
    except httpx.WriteError:
        told = 413  # it was closed while still sending
    assert told == 413
    assert time.monotonic() - begun < SECONDS + 15
    chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
    told_raw = sent(strict, head("/healthz", "Transfer-Encoding: chunked"), *[chunk] * 30)
    assert told_raw.startswith("HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: -1",),
        ("Content-Length: many",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 99999999999999999999999999",),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, gzip",),
    ],
)
def test_a_false_length_is_refused(lines: tuple[str, ...], strict: LiveApp) -> None:
    status = int(sent(strict, head("/healthz", *lines), b"hello", pause=0.1).split()[1])
    assert status in (400, 408, 413)


def test_what_fits_is_taken(strict: LiveApp) -> None:
    client = httpx.Client(base_url=strict.url)
    client.get("/login/")
    fields = {"username": "a", "password": "b" * (SIZE - 1000)}
    fields["csrfmiddlewaretoken"] = client.cookies["csrftoken"]
    assert client.post("/login/", data=fields).status_code == 200
    fields["password"] = "b" * SIZE
    assert client.post("/login/", data=fields).status_code == 413


CHARSETS = ("rot13", "idna", "utf8", "latin-1", "undefined", "base64", '"utf-16"')
KINDS = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain")


def test_another_charset_is_refused_and_costs_no_connection(
    product_environment: dict[str, str], tmp_path: Path
) -> None:
    """Each would have kept a connection to the database for good, without being signed in."""
    port = free_port()
    few = {**product_environment, "DATABASE_POOL_SIZE": "2"}
    process = web_server(tmp_path / "web.log", few, port)
    try:
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, timeout=30) as client:
            client.get("/login/")
            token = {"X-CSRFToken": client.cookies["csrftoken"]}
            for kind in KINDS:
                for charset in CHARSETS:
                    headers = {**token, "Content-Type": f"{kind}; charset={charset}"}
                    answered = client.post("/login/", content=b"a=%ff", headers=headers)
                    assert answered.status_code == 415, (kind, charset)
                    assert "UTF-8" in answered.text
            several = [("Content-Type", KINDS[0]), ("Content-Type", "text/plain; charset=rot13")]
            assert client.post("/login/", content=b"a", headers=several).status_code == 415
            assert client.get("/?q=%ff", headers=several).status_code == 415
            fine = {**token, "Content-Type": f"{KINDS[0]}; charset=UTF-8"}
            assert client.post("/login/", content=b"a=%ff", headers=fine).status_code == 200
            assert client.get("/healthz").status_code == 200
    finally:
        process.stop()
    assert "Traceback" not in process.output


@pytest.mark.parametrize("path", ["/executions/export/csv/", "/executions/export/json/"])
def test_downloads_give_their_connections_back(
    path: str,
    product_environment: dict[str, str],
    transactional_db: None,
    redis: Redis,
    admin_user: User,
    tmp_path: Path,
) -> None:
    """Each would have kept one for good, and the last ones would have got nothing but the head."""
    port = free_port()
    few = {**product_environment, "DATABASE_POOL_SIZE": "2"}
    process = web_server(tmp_path / "web.log", few, port)
    browser = Client()
    browser.force_login(admin_user)
    cookies = {"sessionid": browser.cookies["sessionid"].value}
    try:
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, timeout=30, cookies=cookies) as client:
            for _ in range(4):
                downloaded = client.get(path)
                assert downloaded.status_code == 200
                assert downloaded.content
    finally:
        process.stop()
    assert "Traceback" not in process.output


async def ended_by(scope: dict[str, Any], send: Callable[[Any], Awaitable[None]]) -> list[object]:
    """Who ended a request to Django alone, which then gives back its connection."""
    ended: list[object] = []
    received: list[bool] = []

    def finished(sender: object, **_: object) -> None:
        ended.append(sender)

    async def receive() -> dict[str, object]:
        if received:
            await asyncio.sleep(60)
        received.append(True)
        return {"type": "http.request", "body": b"a=%ff"}

    headers = [(b"host", b"localhost"), *scope.pop("headers", [])]
    common = {"type": "http", "path": "/login/", "query_string": b"", "headers": headers}
    request_finished.connect(finished)
    try:
        await application()({**common, **scope}, receive, send)
    finally:
        request_finished.disconnect(finished)
    return ended


@pytest.mark.django_db
async def test_a_request_whose_answer_cannot_be_sent_is_ended() -> None:
    async def send(message: object) -> None:
        raise OSError("the wire is cut")

    assert await ended_by({"method": "GET"}, send) == [Handler]


@pytest.mark.django_db
async def test_a_request_that_no_page_can_answer_is_ended() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    kind = (b"content-type", b"multipart/form-data; boundary=x; charset=rot13")
    cookie = (b"cookie", b"csrftoken=" + b"a" * 32)
    scope = {"method": "POST", "headers": [kind, cookie]}
    assert await ended_by(scope, send) == [Handler]
    assert sent[0]["status"] in (400, 403, 500)


def test_a_head_that_is_too_large_is_refused(strict: LiveApp) -> None:
    for piece in (b"GET /" + b"x" * 200_000, b"GET / HTTP/1.1\r\nX: " + b"y" * 200_000):
        told = sent(strict, piece, b"z" * 200_000)
        assert "431" in told or told == ""  # closed while still sending


# How slow ------------------------------------------------------------------------------------

HALVES = {
    "nothing": b"",
    "a method": b"GET",
    "no host": b"GET / HTTP/1.1\r\n",
    "headers": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Some: thing",
    "blank lines": b"\r\n\r\n",
    "a body": head("/login/", "Content-Length: 100") + b"half",
    "chunks": head("/login/", "Transfer-Encoding: chunked") + b"4\r\nhalf\r\n",
    "a socket": b"GET /ws/executions/ HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\n",
    "a socket with a body": head(
        "/ws/executions/", "Upgrade: websocket", "Connection: Upgrade", "Content-Length: 9"
    ),
}


@pytest.fixture(scope="module")
def answers_to_halves(strict: LiveApp) -> dict[str, tuple[str, float]]:
    """What the server answers to each, and after how many seconds. All are sent at once."""

    def ask(half: bytes) -> tuple[str, float]:
        begun = time.monotonic()
        return sent(strict, half), time.monotonic() - begun

    with ThreadPoolExecutor(len(HALVES)) as threads:
        return dict(zip(HALVES, threads.map(ask, HALVES.values()), strict=True))


@pytest.mark.parametrize("half", HALVES)
def test_half_a_request_does_not_stay(
    half: str, answers_to_halves: dict[str, tuple[str, float]]
) -> None:
    told, seconds = answers_to_halves[half]
    assert seconds < SECONDS + 15
    if half == "a socket with a body":
        assert told.startswith("HTTP/1.1 400 ")
    elif half not in ("nothing", "blank lines"):
        assert told.startswith("HTTP/1.1 408 ")


def test_three_hundred_halves_are_closed_and_delay_nobody(strict: LiveApp) -> None:
    with ExitStack() as all_of_them:
        halves = [all_of_them.enter_context(connect(strict)) for _ in range(300)]
        for number, made in enumerate(halves):
            made.sendall(list(HALVES.values())[number % len(HALVES)])
        begun = time.monotonic()
        assert httpx.get(f"{strict.url}/nowhere/", timeout=30).status_code in (302, 404)
        assert time.monotonic() - begun < 20
        for made in halves:
            answer(made)  # fails when one stays open


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"", b"G"),
        (b"GET / HTTP/1.1\r\n", b"X-Some: thing\r\n"),
        (head("/login/", "Content-Length: 1000"), b"x"),
        (head("/login/", "Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
    ],
)
def test_a_trickle_ends(first: bytes, piece: bytes, strict: LiveApp) -> None:
    begun = time.monotonic()
    with connect(strict) as made:
        made.settimeout(0.3)
        made.sendall(first)
        while time.monotonic() - begun < SECONDS + 20:
            try:
                made.sendall(piece)
                if not made.recv(1000):
                    break
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
    assert time.monotonic() - begun < SECONDS + 15


def test_a_connection_serves_one_request_after_the_other(strict: LiveApp) -> None:
    made = HTTPConnection("127.0.0.1", httpx.URL(strict.url).port or 0)
    for _ in range(3):
        made.request("GET", "/login/")
        kept = made.sock
        response = made.getresponse()
        response.read()
        assert response.status == 200
        assert made.sock is kept is not None
        time.sleep(SECONDS / 4 + 0.3)  # kept alive for longer than a head may take
    made.close()


# From where ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def proxied(
    product_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveApp]:
    """A server that trusts a proxy at 127.0.0.1."""
    port = free_port()
    log = tmp_path_factory.mktemp("proxied") / "web.log"
    process = web_server(log, {**product_environment, "TRUSTED_PROXIES": "127.0.0.1/32"}, port)
    yield LiveApp(f"http://127.0.0.1:{port}", process)
    process.stop()


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the first is what its client made up
        ("2001:db8::7", "2001:db8::7"),
        ("nonsense", None),
    ],
)
def test_the_address_of_the_audit_comes_from_a_trusted_proxy_only(
    told: str, address: str | None, live_app: LiveApp, proxied: LiveApp, admin_user: User
) -> None:
    from executions.models import AuditEntry
    from tests.executions_in_tests import make_execution

    client = Client()
    client.force_login(admin_user)
    cookies = {"sessionid": client.cookies["sessionid"].value, "csrftoken": "a" * 32}
    for app, expected in ((live_app, "127.0.0.1"), (proxied, address)):
        execution = make_execution(admin_user)
        headers = {"X-Forwarded-For": told, "X-CSRFToken": "a" * 32}
        response = httpx.post(
            f"{app.url}/executions/commands/pause/",
            data={"id": str(execution.pk), "form": ""},
            cookies=cookies,
            headers=headers,
        )
        assert response.status_code == 302
        assert AuditEntry.objects.get(execution=execution).address == expected


def test_a_proxy_is_named_by_its_address(
    product_environment: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match="TRUSTED_PROXIES contains"):
        web_server(
            tmp_path / "web.log", {**product_environment, "TRUSTED_PROXIES": "proxy.example"}, 1
        )


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://localhost:8000", "localhost:8000", True),
        ("http://LOCALHOST:8000", "localhost:8000", True),
        ("http://localhost", "localhost", True),
        ("http://localhost:80", "localhost", True),
        ("https://localhost", "localhost:443", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("http://localhost:9000", "localhost:8000", False),
        ("http://localhost", "localhost:8000", False),
        ("http://127.0.0.1:8000", "localhost:8000", False),
        ("http://localhost.evil.example:8000", "localhost:8000", False),
        ("http://evil.example", "evil.example", False),  # none of ALLOWED_HOSTS
        ("http://localhost:8000@evil.example", "localhost:8000", False),
        ("http://localhost:99999", "localhost:99999", False),
        ("file://localhost", "localhost", False),
        ("null", "localhost:8000", False),
        ("", "localhost:8000", False),
        ("http://localhost:8000", "", False),
        ("https://cortex.example", "localhost:8000", True),  # as CSRF_TRUSTED_ORIGINS says
        ("https://a.team.example", "localhost:8000", True),
        ("http://cortex.example", "localhost:8000", False),
        ("https://cortex.example:444", "localhost:8000", False),
    ],
)
def test_live_connections_come_from_this_very_site(
    origin: str, host: str, allowed: bool, settings: object
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://cortex.example", "https://*.team.example"]
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    assert origin_check.is_allowed(origin, host) is allowed


def test_with_https_only_no_page_without_it_connects(settings: object) -> None:
    settings.HTTPS_ONLY = True
    settings.ALLOWED_HOSTS = ["localhost"]
    assert origin_check.is_allowed("https://localhost", "localhost")
    assert not origin_check.is_allowed("http://localhost", "localhost")


def test_a_page_of_another_port_gets_no_socket(strict: LiveApp) -> None:
    port = httpx.URL(strict.url).port
    lines = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    for origin, status in ((port, "101"), (port + 1, "403")):
        request = head("/ws/notices/", *lines, key, f"Origin: http://localhost:{origin}")
        request = request.replace(b"POST", b"GET").replace(
            b"localhost\r", b"localhost:%d\r" % port, 1
        )
        assert sent(strict, request).split()[1] == status
