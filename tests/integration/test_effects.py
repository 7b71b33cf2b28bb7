"""What blocks may do to the world: files in their folder, HTTP to allowed addresses."""

import base64
import ipaddress
import os
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from executions.effects import clients_of
from executions.effects.files import store
from executions.effects.files.store import FolderFiles
from executions.effects.http import HttpxHttp
from executions.engine.state import Perform, Performed
from flows.blocks import BY_TYPE
from flows.blocks.base import Effect
from flows.blocks.clients import Clients, HttpRequest
from flows.blocks.errors import BlockException
from flows.values import SecretText, reveal
from tests.flows_in_memory import Run

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked; /away redirects, /secret wants credentials."""

    def answer(self) -> None:
        status = {"/away": 302, "/secret": 401}.get(self.path, 200)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(status)
        self.send_header("X-Asked", f"{self.command} {self.path}")
        self.send_header("X-Type", self.headers.get("Content-Type", ""))
        self.send_header("X-Action", self.headers.get("SOAPAction", ""))
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
def clients(tmp_path: Path) -> Clients:
    return clients_of(FolderFiles(tmp_path / "files"), LOOPBACK)


def perform(clients: Clients, block: str, **given: Any) -> Any:
    """Perform a block with the rest of its properties at their defaults."""
    kind = BY_TYPE[block.casefold()]
    named = {prop.name: prop.default for prop in kind.properties if prop.reads}
    return kind.perform(named | {k.replace("_", " "): v for k, v in given.items()}, clients)


def throws(clients: Clients, block: str, **given: Any) -> str:
    with pytest.raises(BlockException) as caught:
        perform(clients, block, **given)
    return caught.value.value.short_type


def test_text_is_written_appended_and_read(clients: Clients) -> None:
    path = "deep/a.txt"
    perform(clients, "Write All Text", File_Path=path, Text="one\r\n")
    perform(clients, "Write All Text", File_Path=path, Text="twö")
    assert perform(clients, "Read All Text", File_Path=path) == {"Text": "one\r\ntwö"}
    perform(clients, "Write All Text", File_Path=path, Text="x", Overwrite=True)
    assert perform(clients, "Read All Text", File_Path=path) == {"Text": "x"}


def test_files_stay_in_their_folder(clients: Clients, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("secret")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "link").symlink_to(tmp_path / "outside.txt")
    for path in ("../outside.txt", str(tmp_path / "outside.txt"), "link", "a/../../outside.txt"):
        assert throws(clients, "Read All Text", File_Path=path) == "OperationFailedException"
        assert throws(clients, "Write All Text", File_Path=path) == "OperationFailedException"
    assert (tmp_path / "outside.txt").read_text() == "secret"


def said(clients: Clients, block: str, **given: Any) -> str:
    with pytest.raises(BlockException) as caught:
        perform(clients, block, **given)
    assert caught.value.value.short_type == "OperationFailedException"
    return caught.value.value.message


@pytest.fixture
def odd_folder(tmp_path: Path) -> Iterator[Path]:
    """A files folder with all that is no file in it."""
    folder = tmp_path / "files"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    (folder / "circle").symlink_to("circle")
    (folder / "null").symlink_to("/dev/null")
    (folder / "file").write_text("kept")
    (folder / "way").symlink_to("folder")
    with socket.socket(socket.AF_UNIX) as listener:
        # By a short path: the kernel takes no long one.
        descriptor = os.open(folder, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{descriptor}/socket")
        os.close(descriptor)
        yield folder


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("pipe", "It is no regular file"),
        ("socket", "It is no regular file"),
        ("null", "It is outside the folder"),
        ("folder", "It is a folder."),
        ("way", "It is a folder."),
        (".", "It is a folder."),
        ("circle", "Its links lead in a circle."),
        ("file/below", "A part of its path is not a folder."),
        ("pipe/below", "A part of its path is not a folder."),
        ("../outside", "It is outside the folder"),
        ("/proc/self/environ", "It is outside the folder"),
        ("x" * 300, "Its name is too long."),
    ],
)
def test_what_is_no_file_blocks_nobody(
    clients: Clients, odd_folder: Path, path: str, reason: str
) -> None:
    """Opening a pipe waits for its other end. No reason shows where the folder is."""
    for block in ("Read All Text", "Write All Text"):
        begun = time.monotonic()
        message = said(clients, block, File_Path=path)
        assert time.monotonic() - begun < 20
        assert reason in message
        assert str(odd_folder) not in message
    assert (odd_folder / "file").read_text() == "kept"


def test_a_pipe_that_somebody_reads_is_not_written(clients: Clients, odd_folder: Path) -> None:
    reader = os.open(odd_folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert "It is no regular file" in said(clients, "Write All Text", File_Path="pipe", Text="x")
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_a_missing_file_is_told_without_its_folder(clients: Clients, tmp_path: Path) -> None:
    message = said(clients, "Read All Text", File_Path="a/missing.txt")
    assert message == "The file 'a/missing.txt' could not be read: There is no such file."


def test_files_have_a_quota(tmp_path: Path) -> None:
    """Of all together. What would exceed it is not written, and what was there stays."""
    clients = clients_of(FolderFiles(tmp_path / "files", limit=40_000), LOOPBACK)
    perform(clients, "Write All Text", File_Path="a", Text="a" * 20_000)
    for given in (
        {"File_Path": "b", "Text": "b" * 30_000},
        {"File_Path": "a", "Text": "a" * 30_000},
        {"File_Path": "a", "Text": "b" * 50_000, "Overwrite": True},
    ):
        assert "may take 40,000 bytes (FILES_BYTES)" in said(clients, "Write All Text", **given)
    assert (tmp_path / "files" / "a").read_text() == "a" * 20_000
    # What grows less, or shrinks, still goes.
    perform(clients, "Write All Text", File_Path="a", Text="c" * 19_000, Overwrite=True)
    perform(clients, "Write All Text", File_Path="a", Text="d")
    assert (tmp_path / "files" / "a").read_text() == "c" * 19_000 + "d"


def test_empty_files_and_folders_count_too(tmp_path: Path) -> None:
    clients = clients_of(FolderFiles(tmp_path / "files", limit=40_000), LOOPBACK)
    for number in range(100):
        try:
            perform(clients, "Write All Text", File_Path=f"{number}/file", Text="")
        except BlockException:
            break
    assert 3 <= number <= 5
    assert len(list((tmp_path / "files").iterdir())) <= 5


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "files").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    clients = clients_of(FolderFiles(tmp_path / "files", limit=40_000), LOOPBACK)
    perform(clients, "Write All Text", File_Path="a", Text="a" * 30_000)
    assert "FILES_BYTES" in said(clients, "Write All Text", File_Path="a", Text="a" * 30_000)


def test_two_who_append_lose_nothing(clients: Clients) -> None:
    def append(letter: str) -> None:
        for _ in range(100):
            perform(clients, "Write All Text", File_Path="log", Text=letter * 100 + "\n")

    threads = [threading.Thread(target=append, args=[letter]) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = perform(clients, "Read All Text", File_Path="log")["Text"].splitlines()
    assert sorted(lines) == ["a" * 100] * 100 + ["b" * 100] * 100


def test_what_cannot_be_read_throws(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    perform(clients, "Write All Text", File_Path="a", Text="ä" * 50)
    assert throws(clients, "Read All Text", File_Path="missing") == "OperationFailedException"
    assert throws(clients, "Read All Text", File_Path=".") == "OperationFailedException"
    assert throws(clients, "Read All Text", File_Path="a\0b") == "OperationFailedException"
    given = {"File_Path": "a", "Encoding": "no-such"}
    assert throws(clients, "Read All Text", **given) == "InvalidPropertyValueException"
    given = {"File_Path": "a", "Encoding": "ascii"}
    assert throws(clients, "Read All Text", **given) == "OperationFailedException"
    monkeypatch.setattr(store, "TEXT_FILE_BYTES", 10)
    assert throws(clients, "Read All Text", File_Path="a") == "OperationFailedException"


def test_appending_must_not_be_done_twice() -> None:
    block = BY_TYPE["write all text"]
    assert block.effect_of({"Overwrite": True}) is Effect.REPEATABLE
    assert block.effect_of({"Overwrite": False}) is Effect.ONCE


def test_a_request_is_sent_and_answered(clients: Clients, echo: str) -> None:
    request = {
        "Uri": echo + "/there",
        "Verb": "RequestVerb.POST",
        "QueryParameters": {"q": "a b"},
        "Body": "hi",
    }
    credentials = {"Username": "u", "Password": "p"}
    answer = perform(
        clients, "Execute Http Request", Http_Request=request, Http_Credentials=credentials
    )["Http Response"]
    assert (answer["StatusCode"], answer["ResponseBody"]) == (200, "hi")
    headers = answer["Headers"]
    assert headers["x-asked"] == "POST /there?q=a+b"
    assert headers["x-type"] == "application/json"
    assert headers["x-auth"].startswith("Basic ")


def test_redirects_are_the_flows_business(clients: Clients, echo: str) -> None:
    request = {"Uri": echo + "/away"}
    answer = perform(clients, "Execute Http Request", Http_Request=request)
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
    clients: Clients, echo: str, request_: dict[str, str], thrown: str
) -> None:
    request = {name: value.replace("{echo}", echo) for name, value in request_.items()}
    assert throws(clients, "Execute Http Request", Http_Request=request) == thrown


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "169.254.169.254"])
def test_private_addresses_are_refused_unless_allowed(echo: str, host: str) -> None:
    port = echo.rpartition(":")[2]
    with pytest.raises(ConnectionError, match="private"):
        HttpxHttp().send(HttpRequest("GET", f"http://{host}:{port}/"))


def test_only_reading_verbs_may_be_sent_again() -> None:
    block = BY_TYPE["execute http request"]
    for verb, effect in (
        ("GET", Effect.REPEATABLE),
        (None, Effect.REPEATABLE),
        ("PUT", Effect.ONCE),
    ):
        assert block.effect_of({"Http Request": {"Verb": verb}}) is effect


class Oauth(BaseHTTPRequestHandler):
    """Gives a new token each time that it is asked for one, and tells what it was asked."""

    asked: list[tuple[str, str, str]]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.asked.append((self.path, self.headers.get("Authorization", ""), body))
        number = sum(path == "/token" for path, *_ in self.asked)
        refused = self.path == "/token" and "wrong" in body
        self.send_response(400 if refused else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(f'{{"access_token": "token-{number}", "expires_in": 3600}}'.encode())

    do_GET = do_POST = answer

    def log_message(self, *_: Any) -> None:
        """Nothing: the output belongs to the tests."""


@pytest.fixture
def oauth() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    handler = type("Handler", (Oauth,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler.asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_access_token_is_kept_in_the_variable_and_renewed_when_it_expires(
    clients: Clients, oauth: tuple[str, list[tuple[str, str, str]]]
) -> None:
    server, asked = oauth
    client = {"ClientId": "a b", "ClientSecret": "s:1"}
    given = {"AccessTokenUri": f"{server}/token", "ClientAuthentication": client, "Scope": "read"}

    def ask(credentials: dict[str, Any]) -> dict[str, Any]:
        done = perform(
            clients,
            "Execute Http Request",
            Http_Request={"Uri": server},
            Http_Credentials=credentials,
        )
        given_back = done.get("Http Credentials", credentials)
        if given_back is not credentials:
            assert "token-" not in repr(given_back)
            assert "s:1" not in repr(given_back)
        return dict(reveal(given_back))

    kept = ask(given)
    basic = base64.b64encode(b"a+b:s%3A1").decode()
    assert asked[0] == ("/token", f"Basic {basic}", "grant_type=client_credentials&scope=read")
    assert asked[1][:2] == ("/", "Bearer token-1")
    assert ask(kept) == kept
    assert asked[2][:2] == ("/", "Bearer token-1")
    kept["AccessToken"]["ExpiresAt"] -= timedelta(hours=2)
    assert ask(kept)["AccessToken"]["Token"] == "token-2"
    assert asked[-1][:2] == ("/", "Bearer token-2")


def test_the_owner_of_a_resource_may_authorise(
    clients: Clients, oauth: tuple[str, list[tuple[str, str, str]]]
) -> None:
    server, asked = oauth
    given = {
        "AccessTokenUri": f"{server}/token",
        "ClientAuthentication": {"ClientId": "a", "ClientSecret": "b", "SendAs": "Body"},
        "ResourceOwnerUsername": "ada",
        "ResourceOwnerPassword": "p&w",
    }
    request = {"Uri": server, "SoapMessage": {"Envelope": "<ü/>", "Action": "urn:a"}}
    perform(clients, "Execute Soap Request", Soap_Request=request, Http_Credentials=given)
    (token, request_) = asked
    assert token[2] == (
        "grant_type=password&username=ada&password=p%26w&client_id=a&client_secret=b"
    )
    assert request_ == ("/", "Bearer token-1", "<ü/>")
    refused = given | {"ResourceOwnerPassword": "wrong"}
    with pytest.raises(BlockException) as caught:
        perform(clients, "Execute Soap Request", Soap_Request=request, Http_Credentials=refused)
    assert caught.value.value.short_type == "HttpAuthorisationException"
    assert caught.value.value.error_code == 400
    assert "wrong" not in caught.value.value.message


def test_soap_says_its_version_and_action(clients: Clients, echo: str) -> None:
    for message, kind, action in (
        ({"Version": 11, "Action": "urn:a"}, "text/xml; charset=utf-8", '"urn:a"'),
        ({"Version": 12}, "application/soap+xml; charset=utf-8", ""),
    ):
        request = {"Uri": echo, "SoapMessage": {"Envelope": "<a/>", **message}}
        answer = perform(clients, "Execute Soap Request", Soap_Request=request)["Soap Response"]
        headers = answer["Headers"]
        assert (headers["x-type"], headers["x-action"]) == (kind, action)
        assert answer["ResponseEnvelope"] == "<a/>"


def test_no_header_of_soap_begins_another_one(clients: Clients, echo: str) -> None:
    message = {"Envelope": "<a/>", "Action": "a\r\nX-Own: b"}
    request = {"Uri": echo, "SoapMessage": message}
    assert (
        throws(clients, "Execute Soap Request", Soap_Request=request) == "InvalidRequestException"
    )


def test_a_token_that_is_given_back_is_secret_from_then_on() -> None:
    """Also in an execution that had no secrets; the next block gets it as a plain text."""
    run = Run(
        """
        start: {type: Start Flow, bottom: one}
        one:
          type: Execute Http Request
          properties: {Http Request: {Uri: a}, Http Credentials: ($)C}
          bottom: two
        two:
          type: Execute Http Request
          properties: {Http Request: {Uri: a}, Http Credentials: ($)C}
          bottom: end
        end: {type: End Flow}
        """,
        "{C: {input: true}}",
        C={"Username": "a"},
    )
    assert isinstance(run.go(), Perform)
    given_back = {"AccessToken": {"Token": SecretText("token-one")}}
    again = run.go(Performed({"Http Credentials": given_back}))
    assert isinstance(again, Perform)
    assert again.inputs["Http Credentials"] == {"AccessToken": {"Token": "token-one"}}
