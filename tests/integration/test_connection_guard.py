"""The guard of connections that libraries make by themselves (docs/security.md)."""

import ipaddress
import socket
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from executions.effects.connection_guard import ConnectionRefused, guarded
from tests.receivers import HttpReceiver, http_receiver

ONE = (ipaddress.ip_network("127.0.0.1/32"),)


def test_it_holds_after_a_redirect() -> None:
    """From an address that is allowed to one that is not."""

    class Redirects(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.2:{self.server.server_address[1]}/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("0.0.0.0", 0), Redirects) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        with guarded(ONE) as refused, pytest.raises(requests.ConnectionError):
            requests.get(address, timeout=30)
        assert refused == [
            "127.0.0.2 is a private address; HTTP_PRIVATE_ADDRESSES does not allow it"
        ]
        server.shutdown()
        thread.join()


def test_it_holds_when_a_name_has_come_to_mean_another_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was looked at before does not count, only where a connection goes."""
    with http_receiver() as receiver:
        port = int(receiver.url.rpartition(":")[2].partition("/")[0])
        answers = [("127.0.0.1", port), ("127.0.0.2", port)]

        def resolve(*_: Any, **__: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", answers.pop(0))]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with guarded(ONE):
            assert requests.post("http://rebinds.example/", timeout=30).status_code == 204
            with pytest.raises(requests.ConnectionError):
                requests.post("http://rebinds.example/", timeout=30)
        assert len(receiver.received) == 1


def connect(family: socket.AddressFamily, address: Any) -> None:
    with socket.socket(family) as one:
        one.connect(address)


def send(address: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", address)


@pytest.mark.parametrize(
    "escape",
    [
        lambda: connect(socket.AF_INET, ("127.0.0.1", 9)),
        lambda: connect(socket.AF_INET6, ("::1", 9)),
        lambda: connect(socket.AF_INET, ("localhost", 9)),
        lambda: connect(socket.AF_UNIX, "/tmp/none"),
        lambda: send(("127.0.0.1", 9)),
        lambda: threading.Thread(target=print).start(),
        lambda: subprocess.run(["true"], check=True),
    ],
)
def test_there_is_no_way_around_it(escape: Callable[[], Any]) -> None:
    with guarded(()) as refused, pytest.raises(ConnectionRefused):
        escape()
    assert len(refused) == 1


def test_other_threads_are_free(receiver: HttpReceiver) -> None:
    found: list[int] = []

    def post() -> None:
        go.wait(5)
        found.append(requests.post(receiver.url, timeout=30).status_code)

    go = threading.Event()
    thread = threading.Thread(target=post)
    thread.start()
    with guarded(()):
        go.set()
        thread.join()
    assert found == [204]
    assert requests.post(receiver.url, timeout=30).status_code == 204, "and this one afterwards"


@pytest.fixture
def receiver() -> Any:
    with http_receiver() as found:
        yield found
