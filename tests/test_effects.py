"""What blocks may do to the world: files in their folder, HTTP to allowed addresses."""

import ipaddress
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from executions.effects import files
from executions.effects.files import FolderFiles
from executions.effects.http import HttpxHttp
from flows.blocks import BY_TYPE
from flows.blocks.base import Effect
from flows.blocks.errors import BlockException
from flows.blocks.world import World

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked; /away redirects, /secret wants credentials."""

    def answer(self) -> None:
        status = {"/away": 302, "/secret": 401}.get(self.path, 200)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(status)
        self.send_header("X-Asked", f"{self.command} {self.path}")
        self.send_header("X-Type", self.headers.get("Content-Type", ""))
        self.send_header("X-Auth", self.headers.get("Authorization", ""))
        if status == 302:
            self.send_header("Location", "/")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_: Any) -> None:
        """Nothing: the output belongs to the tests."""


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(FolderFiles(tmp_path / "files"), HttpxHttp(LOOPBACK))


def perform(world: World, block: str, **given: Any) -> Any:
    """Perform a block with the rest of its properties at their defaults."""
    kind = BY_TYPE[block.casefold()]
    named = {prop.name: prop.default for prop in kind.properties if prop.reads}
    return kind.perform(named | {k.replace("_", " "): v for k, v in given.items()}, world)


def throws(world: World, block: str, **given: Any) -> str:
    with pytest.raises(BlockException) as caught:
        perform(world, block, **given)
    return caught.value.value.short_type


def test_text_is_written_appended_and_read(world: World) -> None:
    path = "deep/a.txt"
    perform(world, "Write All Text", File_Path=path, Text="one\r\n")
    perform(world, "Write All Text", File_Path=path, Text="twö")
    assert perform(world, "Read All Text", File_Path=path) == {"Text": "one\r\ntwö"}
    perform(world, "Write All Text", File_Path=path, Text="x", Overwrite=True)
    assert perform(world, "Read All Text", File_Path=path) == {"Text": "x"}


def test_files_stay_in_their_folder(world: World, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("secret")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "link").symlink_to(tmp_path / "outside.txt")
    for path in ("../outside.txt", str(tmp_path / "outside.txt"), "link", "a/../../outside.txt"):
        assert throws(world, "Read All Text", File_Path=path) == "OperationFailedException"
        assert throws(world, "Write All Text", File_Path=path) == "OperationFailedException"
    assert (tmp_path / "outside.txt").read_text() == "secret"


def test_what_cannot_be_read_throws(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    perform(world, "Write All Text", File_Path="a", Text="ä" * 50)
    assert throws(world, "Read All Text", File_Path="missing") == "OperationFailedException"
    assert throws(world, "Read All Text", File_Path=".") == "OperationFailedException"
    assert throws(world, "Read All Text", File_Path="a\0b") == "OperationFailedException"
    given = {"File_Path": "a", "Encoding": "no-such"}
    assert throws(world, "Read All Text", **given) == "InvalidPropertyValueException"
    given = {"File_Path": "a", "Encoding": "ascii"}
    assert throws(world, "Read All Text", **given) == "OperationFailedException"
    monkeypatch.setattr(files, "FILE_SIZE", 10)
    assert throws(world, "Read All Text", File_Path="a") == "OperationFailedException"


def test_appending_must_not_be_done_twice() -> None:
    block = BY_TYPE["write all text"]
    assert block.effect_of({"Overwrite": True}) is Effect.REPEATABLE
    assert block.effect_of({"Overwrite": False}) is Effect.ONCE


def test_a_request_is_sent_and_answered(world: World, echo: str) -> None:
    request = {
        "Uri": echo + "/there",
        "Verb": "RequestVerb.POST",
        "QueryParameters": {"q": "a b"},
        "Body": "hi",
    }
    credentials = {"Username": "u", "Password": "p"}
    answer = perform(
        world, "Execute Http Request", Http_Request=request, Http_Credentials=credentials
    )["Http Response"]
    assert (answer["StatusCode"], answer["Body"]) == (200, "hi")
    headers = answer["Headers"]
    assert headers["x-asked"] == "POST /there?q=a+b"
    assert headers["x-type"] == "application/json"
    assert headers["x-auth"].startswith("Basic ")


def test_redirects_are_the_flows_business(world: World, echo: str) -> None:
    request = {"Uri": echo + "/away"}
    answer = perform(world, "Execute Http Request", Http_Request=request)
    assert answer["Http Response"]["StatusCode"] == 302


@pytest.mark.parametrize(
    ("request_", "thrown"),
    [
        ({"Uri": "{echo}/secret"}, "HttpAuthorisationException"),
        ({"Uri": ""}, "PropertyEmptyException"),
        ({"Uri": "{echo}", "Verb": "BREW"}, "InvalidRequestException"),
        ({"Uri": "http://127.0.0.1:9/"}, "InvalidRequestException"),
        ({"Uri": "ftp://127.0.0.1/"}, "InvalidRequestException"),
        ({"Uri": "http://no-such-host.invalid/"}, "InvalidRequestException"),
        ({"Uri": "http://[bad"}, "InvalidRequestException"),
    ],
)
def test_requests_that_fail_throw(
    world: World, echo: str, request_: dict[str, str], thrown: str
) -> None:
    request = {name: value.replace("{echo}", echo) for name, value in request_.items()}
    assert throws(world, "Execute Http Request", Http_Request=request) == thrown


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "169.254.169.254"])
def test_private_addresses_are_refused_unless_allowed(echo: str, host: str) -> None:
    port = echo.rpartition(":")[2]
    with pytest.raises(ConnectionError, match="private"):
        HttpxHttp().request(
            "GET", f"http://{host}:{port}/", query={}, headers={}, body="", credentials=None
        )


def test_only_reading_verbs_may_be_sent_again() -> None:
    block = BY_TYPE["execute http request"]
    for verb, effect in (
        ("GET", Effect.REPEATABLE),
        (None, Effect.REPEATABLE),
        ("PUT", Effect.ONCE),
    ):
        assert block.effect_of({"Http Request": {"Verb": verb}}) is effect
