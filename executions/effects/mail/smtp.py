"""Sending mail by SMTP."""

import base64
import io
import mimetypes
import re
import smtplib
import socket
import ssl
from dataclasses import dataclass
from email import policy
from email.generator import BytesGenerator
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from typing import IO, Any

from executions.effects.connections import Network
from executions.effects.mail.sessions import NO_ENCRYPTION, Protocol, session
from executions.limits import MAIL_BYTES
from flows.blocks.mail import Mailbox, MailError, MailRefused, MailServer, OutgoingMail

#: The status that a server answers, and its text.
_Answer = tuple[int, bytes | str]
#: Size of one reply of a server.
_REPLY_BYTES = 100_000
#: The headers that clients look at for a priority.
_PRIORITIES = {
    "urgent": {"Priority": "urgent", "X-Priority": "1", "Importance": "high"},
    "non-urgent": {"Priority": "non-urgent", "X-Priority": "5", "Importance": "low"},
    "": {},
}


class _Reply:
    """What a server answers, up to a limit for each reply."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.left = file, _REPLY_BYTES

    def readline(self, size: int) -> bytes:
        line = self.file.readline(size)
        self.left -= len(line)
        if self.left < 0:
            raise OSError("its reply is too long")
        return line

    def close(self) -> None:
        self.file.close()


class _Smtp(smtplib.SMTP):
    """A session on a connection that is there already."""

    def __init__(self, connection: socket.socket, host: str) -> None:
        super().__init__(local_hostname=socket.gethostname() or "localhost")
        self._connection = connection
        self._host = host

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        return self._connection

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file: Any = _Reply(self.sock.makefile("rb"))
        if self.file is not None:
            self.file.left = _REPLY_BYTES
        return super().getreply()


def _begin(connection: socket.socket, host: str) -> smtplib.SMTP:
    client = _Smtp(connection, host)
    try:
        reply = client.connect(host, connection.getpeername()[1])
        if reply[0] != 220:
            raise MailError(f"{host} takes no mail: {_said(reply)}", "Socket", 100)
        client.ehlo_or_helo_if_needed()
    except Exception:
        client.close()
        raise
    return client


def _encrypt(client: smtplib.SMTP, trusted: ssl.SSLContext) -> None:
    if not client.has_extn("starttls"):
        raise MailError(NO_ENCRYPTION, "SSL", 201)
    reply = client.starttls(context=trusted)
    if reply[0] != 220:
        raise MailError(f"The server refuses STARTTLS: {_said(reply)}", "SSL", 201)
    client.ehlo_or_helo_if_needed()


def _sign_in(client: smtplib.SMTP, server: MailServer) -> None:
    if not client.has_extn("auth"):
        if not server.tls and client.has_extn("starttls"):
            raise MailError("The server wants encryption (UseSsl).", "SSL", 200)
        raise MailError("The server takes no user name and password.", "UserCredentials", 300)
    try:
        if server.user.isascii() and server.password.isascii():
            client.login(server.user, server.password)
            return
        both = base64.b64encode(f"\0{server.user}\0{server.password}".encode()).decode()
        reply: _Answer = client.docmd("AUTH", f"PLAIN {both}")
    except smtplib.SMTPAuthenticationError as error:
        reply = (error.smtp_code, error.smtp_error)
    except smtplib.SMTPNotSupportedError as error:
        raise MailError(str(error), "UserCredentials", 300) from None
    if reply[0] in (530, 538):
        raise MailError(f"The server wants encryption: {_said(reply)}", "SSL", 200)
    if reply[0] not in (235, 503):
        problem = f"The user name or the password is refused: {_said(reply)}"
        raise MailError(problem, "UserCredentials", 300)


def _end(client: smtplib.SMTP) -> None:
    try:
        client.quit()
    finally:
        client.close()


SMTP: Protocol[smtplib.SMTP] = Protocol(
    tls_port=465,
    port=587,
    plain_ports=frozenset({25, 587}),
    begin=_begin,
    encrypt=_encrypt,
    sign_in=_sign_in,
    end=_end,
    failures=(OSError, smtplib.SMTPException, ValueError),
)


@dataclass(frozen=True, slots=True)
class SmtpSender:
    """`flows.blocks.mail.MailSender` over a network."""

    network: Network

    def send(self, server: MailServer, mail: OutgoingMail) -> None:
        """Send a message to all of its recipients or to nobody. Raises MailError and
        MailRefused."""
        recipients = [one.address for one in (*mail.to, *mail.cc, *mail.bcc)]
        is_ascii = all(address.isascii() for address in (mail.sender.address, *recipients))
        content = _source(mail, is_ascii=is_ascii)
        if len(content) > MAIL_BYTES:
            raise MailRefused(f"The message is larger than {MAIL_BYTES:,} bytes.")
        with session(SMTP, server, self.network) as client:
            options = [] if is_ascii else ["SMTPUTF8"]
            if not is_ascii and not client.has_extn("smtputf8"):
                raise MailRefused("The server takes no addresses that are not ASCII.")
            _require(client.mail(mail.sender.address, options), mail.sender.address)
            for address in dict.fromkeys(recipients):
                _require(client.rcpt(address), address)
            _require(client.docmd("DATA"), "The message", accepted=(354,))
            _require(_sent(client, content), "The message")


def _sent(client: smtplib.SMTP, content: bytes) -> _Answer:
    """Send the source of a message; return what the server answers. A line that begins with a dot
    gets another one, since a dot alone is the end."""
    try:
        client.send(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
        return client.getreply()
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        problem = f"The connection was lost, and the message may have been sent: {error}"
        raise MailError(problem, "Socket", 100) from None


def _require(reply: _Answer, what: str, accepted: tuple[int, ...] = (250, 251, 252)) -> None:
    if reply[0] not in accepted:
        raise MailRefused(f"{what} is refused: {_said(reply)}", reply[0])


def _said(reply: _Answer) -> str:
    code, told = reply
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
    return f"{code} {' '.join(text.split())[:500]}".strip()


# The source of a message ----------------------------------------------------------------------


def _source(mail: OutgoingMail, *, is_ascii: bool) -> bytes:
    """Return a message as it is sent. Blind copies are named in no header."""
    how = policy.SMTP if is_ascii else policy.SMTPUTF8
    message = EmailMessage(how)
    message["From"] = _address(mail.sender)
    for name, mailboxes in (("To", mail.to), ("Cc", mail.cc)):
        if mailboxes:
            message[name] = [_address(one) for one in mailboxes]
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(localtime())
    domain = mail.sender.address.rpartition("@")[2]
    message["Message-ID"] = make_msgid(domain=domain.encode("idna").decode())
    for name, value in _PRIORITIES[mail.priority].items():
        message[name] = value
    message.set_content(mail.body, subtype="html" if mail.is_html else "plain")
    for attachment in mail.attachments:
        kind = mimetypes.guess_type(attachment.name)[0] or "application/octet-stream"
        main, _, sub = kind.partition("/")
        # A text may be in any encoding, and a message in a message is not to be unpacked.
        if main in ("message", "multipart"):
            main, sub = "application", "octet-stream"
        message.add_attachment(
            attachment.content, maintype=main, subtype=sub, filename=attachment.name
        )
    written = io.BytesIO()
    BytesGenerator(written, policy=how).flatten(message)
    return written.getvalue()


def _address(mailbox: Mailbox) -> Address:
    return Address(mailbox.name, addr_spec=mailbox.address)
