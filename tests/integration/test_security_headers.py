"""Every answer has the security headers, whoever makes it (docs/security.md)."""

import socket
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client

from cortexweb.web.security_headers import SecurityHeaders, security_headers
from tests.conftest import LiveApp

HEADERS = {name.decode() for name, _ in security_headers()}
POLICY = "default-src 'none'"


def of(raw: bytes) -> tuple[int, dict[str, str]]:
    """The status and the headers of an answer."""
    head, *_ = raw.decode("latin-1").partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    named = (line.partition(": ") for line in lines)
    return int(status.split()[1]), {name.lower(): value for name, _, value in named}


def sent(app: LiveApp, raw: bytes) -> tuple[int, dict[str, str]]:
    with socket.create_connection(("127.0.0.1", httpx.URL(app.url).port or 0)) as made:
        made.settimeout(20)
        made.sendall(raw)
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = made.recv(65536)
            if not part:
                break
            answer += part
    return of(answer)


def request(path: str, *lines: str, method: str = "GET", host: str = "127.0.0.1") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode()


FORM = "Content-Type: application/x-www-form-urlencoded"
CASES = {
    "a page": (200, request("/login/")),
    "a redirect": (302, request("/")),
    "a style sheet": (200, request("/static/css/tokens.css")),
    "no style sheet": (404, request("/static/none.css")),
    "no page": (404, request("/nowhere")),
    "no method": (405, request("/hooks/none")),
    "no token": (403, request("/login/", FORM, "Content-Length: 1", method="POST") + b"a"),
    "another host": (400, request("/login/", host="elsewhere.example")),
    "too many fields": (413, request("/login/?" + "a=1&" * 1_001)),
    "another charset": (415, request("/login/", "Content-Type: text/plain; charset=rot13")),
    "too large": (413, request("/login/", "Content-Length: 99999999", method="POST")),
    "no HTTP": (400, b"nonsense\r\n\r\n"),
    "a head that is too large": (431, request("/", *(f"X-{n}: {'x' * 9_000}" for n in range(15)))),
    "no webhook": (404, request("/hooks/none", "Content-Length: 0", method="POST")),
    "the API without a sign-in": (401, request("/api/v1/executions")),
    "the admin": (302, request("/admin/")),
    "a socket from elsewhere": (
        403,
        request(
            "/ws/executions/", "Connection: Upgrade", "Upgrade: websocket",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Origin: https://elsewhere.example",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("status", "raw"), CASES.values(), ids=CASES)
def test_every_answer_has_them(status: int, raw: bytes, live_app: LiveApp) -> None:
    found, headers = sent(live_app, raw)
    assert found == status
    if status == 403 and "websocket" in raw.decode("latin-1"):
        return  # the server refuses the handshake by itself; a browser shows nothing of it
    assert headers.keys() >= HEADERS, HEADERS - headers.keys()
    assert POLICY in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"


async def test_an_application_that_fails_has_them() -> None:
    async def fails(*_: Any) -> None:
        raise ZeroDivisionError

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    with pytest.raises(ZeroDivisionError):
        await SecurityHeaders(fails)({"type": "http", "path": "/", "headers": []}, receive, send)
    assert said[0]["status"] == 500
    assert {name.decode() for name, _ in said[0]["headers"]} >= HEADERS


@pytest.mark.parametrize("page", ["", "flows/flow/", "executions/execution/", "auth/user/add/"])
def test_pages_of_the_admin_keep_the_policy(page: str, admin_client: Client) -> None:
    answer = admin_client.get(f"/admin/{page}")
    assert answer.status_code == 200
    assert POLICY in answer["Content-Security-Policy"]
    assert b"<script>" not in answer.content
    assert b"style=" not in answer.content


def test_a_defect_has_them(admin_user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(admin_user)
    monkeypatch.setattr("executions.views.help.appearance", None)
    answer = client.get("/help/")
    assert answer.status_code == 500
    assert POLICY in answer["Content-Security-Policy"]
