"""Servers for what is sent: mail, mailboxes, and HTTP that answers, fails or hangs."""

import imaplib
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.servers import Process, free_port


@dataclass
class Received:
    """A request: its path, headers and body."""

    path: str
    headers: dict[str, str]
    body: str


@dataclass
class HttpReceiver:
    """What an HTTP server has received. `answers` are the statuses of the next requests; then it is
    204. 0 hangs until the end of the test."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    #: Of these paths every request hangs.
    hanging: set[str] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def http_receiver() -> Iterator[HttpReceiver]:
    """An HTTP server on loopback."""
    receiver = HttpReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            headers = {name.lower(): text for name, text in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body))
            status = receiver.answers.pop(0) if receiver.answers else 204
            if status == 0 or self.path in receiver.hanging:
                receiver.over.wait(60)
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class MailReceiver:
    """What a mail server has received. `refuse` says what it answers to a recipient."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    #: The recipients of each, blind ones too.
    recipients: list[list[str]] = field(default_factory=list)
    refuse: Callable[[str], str] = lambda address: ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, *rest: Any) -> str:
        if answer := self.refuse(rest[0]):
            return answer
        envelope.rcpt_tos.append(rest[0])
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail: Any = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(mail)
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"


#: Who may sign in to the mail servers of tests.
USER, PASSWORD = "ada", "right-horse"


@contextmanager
def mail_receiver(**options: Any) -> Iterator[MailReceiver]:
    """A mail server on loopback. `login` wants USER and PASSWORD; the other options are aiosmtpd's
    own."""
    if options.pop("login", False):
        options |= {"authenticator": _authenticate, "auth_require_tls": False}
    receiver = MailReceiver(port=free_port())
    controller = Controller(receiver, hostname="127.0.0.1", port=receiver.port, **options)
    controller.start()
    try:
        yield receiver
    finally:
        controller.stop()


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> Any:
    """Refuse others with a reply that repeats the password, as some servers do."""
    if (given.login.decode(), given.password.decode()) == (USER, PASSWORD):
        return AuthResult(success=True)
    said = f"535 5.7.8 {given.password.decode('ascii', 'replace')} is wrong"
    return AuthResult(success=False, handled=False, message=said)


@dataclass
class Mailboxes:
    """An IMAP server, and how tests fill it."""

    port: int

    def fill(self, messages: list[str], flags: str = "") -> list[int]:
        """Empty every folder, put the messages into INBOX, and return their numbers. There is a
        folder Archive, too."""
        with self.opened() as client:
            client.delete("Archive")
            client.create("Archive")
            client.select("INBOX")
            client.store("1:*", "+FLAGS.SILENT", r"(\Deleted)")
            client.expunge()
            return [
                int(
                    client.append("INBOX", flags, "", message.replace("\n", "\r\n").encode())[1][0]
                    .split()[2]
                    .rstrip(b"]")
                )
                for message in messages
            ]

    def subjects(self, folder: str = "INBOX") -> dict[str, str]:
        """The flags of the messages in a folder, by their subjects."""
        with self.opened() as client:
            client.select(folder, readonly=True)
            found = client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
            return {
                part[1].decode().partition(": ")[2].strip(): part[0].decode()
                for part in found
                if isinstance(part, tuple)
            }

    @contextmanager
    def opened(self) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4("127.0.0.1", self.port) as client:
            client.login(USER, PASSWORD)
            yield client


@contextmanager
def mailboxes(log: Path, *options: str) -> Iterator[Mailboxes]:
    """An IMAP server on loopback with the mailbox of USER; the options are pymap's own."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("pymap")), "--host", "127.0.0.1"]
    command += ["--port", str(port), *(options or ["--no-tls"]), "dict"]
    command += ["--demo-user", USER, "--demo-password", PASSWORD]
    process = Process("pymap", command, log, dict(os.environ))
    process.wait_until(lambda: _is_open(port))
    try:
        yield Mailboxes(port)
    finally:
        process.stop()


def _is_open(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
