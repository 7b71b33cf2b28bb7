"""Mail blocks and real servers: encryption, who may be reached, time, sizes, and what changes."""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from executions.effects import clients_of
from executions.effects.connections import Network
from executions.effects.files.store import FolderFiles
from executions.effects.mail import imap, smtp
from executions.effects.mail.imap import ImapReader
from executions.effects.mail.smtp import SmtpSender
from flows.blocks import BY_TYPE
from flows.blocks.base import Effect
from flows.blocks.errors import BlockException
from flows.blocks.mail import (
    Chosen,
    Mailbox,
    MailError,
    MailQuery,
    MailRefused,
    MailServer,
    Mark,
    OutgoingMail,
)
from tests.receivers import PASSWORD, USER, Mailboxes, mail_receiver, mailboxes

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
REACH = Network(LOOPBACK)
MAIL = OutgoingMail(
    sender=Mailbox("Ada", "ada@example.org"),
    to=[Mailbox("", "bob@example.org")],
    cc=[],
    bcc=[Mailbox("", "boss@example.org")],
    subject="Hello",
    body="One\n.\nTwo",
    is_html=False,
)


def server(port: int, *, tls: bool = False, **others: Any) -> MailServer:
    return MailServer(**{
        "host": "127.0.0.1", "port": port, "tls": tls, "user": USER, "password": PASSWORD, **others
    })  # fmt: skip


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    host = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([host]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@pytest.fixture(scope="module")
def served(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(scope="module")
def trusting(certificate: Path) -> Network:
    return Network(LOOPBACK, trusted=ssl.create_default_context(cafile=certificate))


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[Mailboxes]:
    """Mailboxes that offer encryption, but do not begin with it."""
    log = tmp_path_factory.mktemp("imap") / "log"
    with mailboxes(log, "--cert", str(certificate), "--key", str(certificate)) as found:
        yield found


@pytest.fixture
def talking() -> Iterator[Callable[..., int]]:
    """A server that says something to whoever comes, and then a line every tenth of a second."""
    over, threads, servers = threading.Event(), [], []

    def answer(listening: socket.socket, said: bytes, again: bytes) -> None:
        try:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(said)
                while again and not over.wait(0.1):
                    connection.sendall(again)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
        except OSError:
            return  # the client has gone

    def begin(said: bytes, again: bytes = b"") -> int:
        listening = socket.create_server(("127.0.0.1", 0))
        servers.append(listening)
        thread = threading.Thread(target=answer, args=(listening, said, again))
        thread.start()
        threads.append(thread)
        return int(listening.getsockname()[1])

    yield begin
    over.set()
    for listening in servers:
        listening.close()
    for thread in threads:
        thread.join()


def problem(network: Network, to: MailServer, *, reading: bool = False) -> MailError:
    with pytest.raises(MailError) as caught:
        ImapReader(network).folders(to) if reading else SmtpSender(network).send(to, MAIL)
    return caught.value


# Sending --------------------------------------------------------------------------------------


def test_blind_copies_are_sent_and_not_named() -> None:
    with mail_receiver(login=True) as receiver:
        SmtpSender(REACH).send(server(receiver.port), MAIL)
        (mail,) = receiver.mails
    assert receiver.recipients == [["bob@example.org", "boss@example.org"]]
    assert "boss" not in mail.as_string()
    assert mail["Message-ID"].endswith("@example.org>")
    assert mail["Date"].datetime.tzinfo is not None
    assert mail.get_content().replace("\r\n", "\n") == "One\n.\nTwo\n"


def test_encryption_from_the_start(served: ssl.SSLContext, trusting: Network) -> None:
    with mail_receiver(login=True, ssl_context=served) as receiver:
        SmtpSender(trusting).send(server(receiver.port, tls=True), MAIL)
        assert len(receiver.mails) == 1
        untrusted = problem(REACH, server(receiver.port, tls=True))
    assert (untrusted.category, untrusted.code) == ("SSL", 201)
    assert "self-signed" in str(untrusted) or "self signed" in str(untrusted)


def test_encryption_that_the_server_begins_without(
    served: ssl.SSLContext, trusting: Network
) -> None:
    """STARTTLS, and nothing is said before it: the server would refuse."""
    with mail_receiver(login=True, tls_context=served, require_starttls=True) as receiver:
        SmtpSender(trusting).send(server(receiver.port, tls=True), MAIL)
        assert len(receiver.mails) == 1
        untrusted = problem(REACH, server(receiver.port, tls=True))
        plain = problem(REACH, server(receiver.port))
    assert (untrusted.category, untrusted.code) == ("SSL", 201)
    assert (plain.category, plain.code) == ("SSL", 200)


def test_a_server_without_encryption_is_told_with_what_to_do() -> None:
    with mail_receiver(login=True) as receiver:
        plain = problem(REACH, server(receiver.port, tls=True))
        assert receiver.mails == []
    assert (plain.category, plain.code) == ("SSL", 201)
    assert "set UseSsl to false" in str(plain)


def test_a_password_that_is_not_ascii_is_sent_as_utf_8() -> None:
    with mail_receiver(login=True) as receiver:
        refused = problem(REACH, server(receiver.port, password="größe"))
    assert (refused.category, refused.code) == ("UserCredentials", 300)


def test_a_name_can_begin_no_other_header() -> None:
    """Not even where the check of the block were passed."""
    mail = OutgoingMail(
        sender=Mailbox("", "ada@example.org"),
        to=[Mailbox('Bob", "x', "bob@example.org")],
        cc=[],
        bcc=[],
        subject="ö" * 500,
        body="",
        is_html=False,
    )
    with mail_receiver(login=True) as receiver:
        SmtpSender(REACH).send(server(receiver.port), mail)
        (received,) = receiver.mails
    (to,) = received["To"].addresses
    assert (to.display_name, to.addr_spec) == ('Bob", "x', "bob@example.org")
    assert received["Subject"] == "ö" * 500


def test_a_message_that_is_too_large_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "MAIL_BYTES", 100)
    with pytest.raises(MailRefused, match="larger than 100 bytes"):
        SmtpSender(REACH).send(server(9), MAIL)


def test_a_connection_that_is_lost_says_whether_the_message_may_be_sent(
    talking: Callable[..., int],
) -> None:
    greeting = b"220 hi\r\n250-hi\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n"
    lost = problem(REACH, server(talking(greeting + b"354 go\r\n")))
    assert "may have been sent" in str(lost)
    lost = problem(REACH, server(talking(greeting)))
    assert "may have been sent" not in str(lost)


# Who is reached, and how long it takes -----------------------------------------------------------


@pytest.mark.parametrize("reading", [False, True])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "0x7f.1", "169.254.169.254"])
def test_private_addresses_are_refused_unless_allowed(host: str, reading: bool) -> None:
    refused = problem(Network(), server(25, host=host), reading=reading)
    assert (refused.category, refused.code) == ("Socket", 101)
    assert "private" in str(refused)


@pytest.mark.parametrize("reading", [False, True])
@pytest.mark.parametrize(
    ("said", "again"),
    [
        (b"", b""),
        (b"", b"x"),
        (b"220-hi\r\n", b"220-more\r\n"),
        (b"* OK hi\r\n", b"* 1 EXISTS\r\n"),
    ],
)
def test_a_slow_server_holds_nobody(
    talking: Callable[..., int], said: bytes, again: bytes, reading: bool
) -> None:
    begun = time.monotonic()
    slow = problem(Network(LOOPBACK, begun + 1), server(talking(said, again)), reading=reading)
    assert (slow.category, slow.code) == ("Socket", 100)
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize("reading", [False, True])
@pytest.mark.parametrize(
    "said",
    [
        b"hello\r\n",
        b"554 go away\r\n",
        b"* BYE go away\r\n",
        b"\xff\xfe\x00\r\n" * 20,
        b"220-" + b"x" * 200_000 + b"\r\n",
        b"* OK [CAPABILITY IMAP4rev1] {99999999999}\r\n",
        b"* OK hi\r\n* CAPABILITY IMAP4rev1 {99999999999}\r\n",
    ],
)
def test_nonsense_is_told_as_a_session_that_failed(
    talking: Callable[..., int], said: bytes, reading: bool
) -> None:
    port = talking(said)
    until = Network(LOOPBACK, time.monotonic() + 3)
    assert problem(until, server(port), reading=reading).category == "Socket"


# Reading --------------------------------------------------------------------------------------


def test_encryption_of_mailboxes(boxes: Mailboxes, trusting: Network) -> None:
    boxes.fill([])
    found = ImapReader(trusting).folders(server(boxes.port, tls=True))
    assert {folder.name for folder in found} == {"INBOX", "Archive"}
    untrusted = problem(REACH, server(boxes.port, tls=True), reading=True)
    assert (untrusted.category, untrusted.code) == ("SSL", 201)


def test_a_server_that_wants_encryption_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection, connection.makefile("rwb") as lines:
                lines.write(b"* OK hi\r\n")
                lines.flush()
                for line in lines:
                    tag = line.split()[0]
                    lines.write(b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n" + tag + b" OK done\r\n")
                    lines.flush()

        thread = threading.Thread(target=answer)
        thread.start()
        plain = problem(REACH, server(listening.getsockname()[1]), reading=True)
        thread.join()
    assert (plain.category, plain.code) == ("SSL", 200)


@pytest.fixture(scope="module")
def plain_boxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailboxes]:
    with mailboxes(tmp_path_factory.mktemp("imap") / "log") as found:
        yield found


def subjects(found: Any) -> list[str]:
    return [mail.content.decode().partition(": ")[2].split("\r")[0] for mail in found.mails]


def test_messages_are_found(plain_boxes: Mailboxes) -> None:
    at, reader = server(plain_boxes.port), ImapReader(REACH)
    uids = plain_boxes.fill(
        [
            "Subject: One\nFrom: ada@example.org\n\nred",
            "Subject: Two\nFrom: bob@example.org\nTo: carl@example.org\n\nblue größe",
            'Subject: A "quoted" \\ one\n\nred',
        ]
    )
    reader.mark(at, Chosen("INBOX", uids[:1]), Mark.FLAGGED)
    reader.mark(at, Chosen("INBOX", uids[1:2]), Mark.READ)
    today = datetime.now(UTC).date()
    for query, expected in (
        (MailQuery(), ['A "quoted" \\ one', "Two", "One"]),
        (MailQuery(sender="bob"), ["Two"]),
        (MailQuery(to="CARL"), ["Two"]),
        (MailQuery(text="red", subject="one"), ['A "quoted" \\ one', "One"]),
        (MailQuery(subject='"quoted" \\'), ['A "quoted" \\ one']),
        (MailQuery(text="größe"), ["Two"]),
        (MailQuery(unread=False), ["Two"]),
        (MailQuery(unread=True, flagged=True), ["One"]),
        (MailQuery(since=today + timedelta(days=2)), []),
        (MailQuery(before=today + timedelta(days=2)), ['A "quoted" \\ one', "Two", "One"]),
    ):
        assert subjects(reader.find(at, "INBOX", query, 10)) == expected, query
    assert subjects(reader.find(at, "INBOX", MailQuery(), 1)) == ['A "quoted" \\ one']


def test_messages_are_marked_moved_and_deleted(plain_boxes: Mailboxes) -> None:
    at, reader = server(plain_boxes.port), ImapReader(REACH)
    one, two, three = plain_boxes.fill(
        ["Subject: One\n\n", "Subject: Two\n\n", "Subject: Three\n\n"]
    )
    assert reader.mark(at, Chosen("INBOX", [one, two]), Mark.READ) == 2
    assert reader.mark(at, Chosen("INBOX", [two]), Mark.UNREAD) == 1
    flags = plain_boxes.subjects()
    assert (r"\Seen" in flags["One"], r"\Seen" in flags["Two"]) == (True, False)
    assert reader.move(at, Chosen("INBOX", [one, 4_000_000]), "Archive") == 1
    assert reader.move(at, Chosen("INBOX", [one]), "Archive") == 0
    assert reader.delete(at, Chosen("INBOX", [two])) == 1
    assert reader.delete(at, Chosen("INBOX", [two])) == 0
    assert set(plain_boxes.subjects()) == {"Three"}
    assert set(plain_boxes.subjects("Archive")) == {"One"}
    validity = reader.find(at, "INBOX", MailQuery(), 1).validity
    assert reader.mark(at, Chosen("INBOX", [three], validity), Mark.FLAGGED) == 1
    with pytest.raises(MailRefused, match="another one than it was"):
        reader.delete(at, Chosen("INBOX", [three], validity + 1))


def test_of_large_messages_only_the_head_is_read(
    plain_boxes: Mailboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_boxes.fill(["Subject: Small\n\nhi", "Subject: Large\n\n" + "x" * 5000])
    monkeypatch.setattr(imap, "MAIL_BYTES", 1000)
    large, small = ImapReader(REACH).find(server(plain_boxes.port), "INBOX", MailQuery(), 5).mails
    assert (small.complete, large.complete, large.size > 5000) == (True, False, True)
    assert large.content.strip() == b"Subject: Large"


def test_reading_changes_nothing_unless_it_is_asked_to(
    plain_boxes: Mailboxes, tmp_path: Path
) -> None:
    plain_boxes.fill(["Subject: One\n\nhi"])
    read = BY_TYPE["read emails using imap server"]
    details = {
        "ServerDetails": {"Host": "127.0.0.1", "Port": plain_boxes.port, "UseSsl": False},
        "Credentials": {"Username": USER, "Password": PASSWORD},
    }
    given = {prop.name: prop.default for prop in read.properties}
    given |= {"Basic Email Session Details": details, "Filter": {"Unread": True}}
    reach = clients_of(FolderFiles(tmp_path), LOOPBACK)
    for marks, found, flagged in ((False, 1, False), (True, 1, True), (True, 0, True)):
        given["Mark As Read"] = marks
        emails = read.perform(given, reach)["Emails"]
        assert [email["IsRead"] for email in emails] == [marks] * found
        assert (r"\Seen" in plain_boxes.subjects()["One"]) is flagged
    assert read.effect_of(given) is Effect.ONCE
    assert read.effect_of(given | {"Mark As Read": False}) is Effect.REPEATABLE


MESSAGES = {
    "no headers": b"just a text",
    "nothing": b"",
    "a broken address": b"From: <<@@\r\nTo: a@b, ,;<x>\r\n\r\nhi",
    "a broken date": b"Date: soon\r\n\r\nhi",
    "a charset that is none": b"Content-Type: text/plain; charset=no-such\r\n\r\n\xff",
    "a coding that is none": b"Content-Transfer-Encoding: rot13\r\n\r\nhi",
    "half of base64": b"Content-Transfer-Encoding: base64\r\n\r\nYT!t",
    "parts without an end": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi",
    "a message in a message": (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=m.eml\r\n\r\n"
        b"Subject: inner\r\n\r\nin\r\n--b--"
    ),
    "a NUL": b"Subject: a\0b\r\n\r\nc\0d",
    "an encoded word that is none": b"Subject: =?utf-8?q?=ff?= =?no-such?b?YQ==?=\r\n\r\n",
    "an odd name of a file": (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Disposition: attachment; filename*=no-such'x'%ff\r\n\r\nhi\r\n--b--"
    ),
    "an ID with a bracket": b"Message-ID: <[\r\nReferences: <\r\n\r\nhi",
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_that_breaks_the_rules_is_read_as_far_as_it_goes(name: str) -> None:
    from executions.store import rows
    from flows import values
    from flows.blocks.email.received import structure_of
    from flows.blocks.mail import StoredMail

    now = datetime.now(UTC)
    mail = StoredMail(1, now, len(MESSAGES[name]), False, False, MESSAGES[name], True)
    found, _ = structure_of("INBOX", 1, mail)
    assert "\0" not in rows.dumps(values.encode(found))


# Secrets --------------------------------------------------------------------------------------


def test_no_exception_repeats_the_password(tmp_path: Path) -> None:
    """As some servers do: this one says it in its refusal."""
    with mail_receiver(login=True) as receiver:
        block = BY_TYPE["send email using smtp server"]
        given = {
            "Email Message": {
                "To": [{"Address": "b@b.example"}],
                "From": {"Address": "a@a.example"},
            },
            "Basic Email Session Details": {
                "ServerDetails": {"Host": "127.0.0.1", "Port": receiver.port, "UseSsl": False},
                "Credentials": {"Username": USER, "Password": "wrong-battery"},
            },
        }
        with pytest.raises(BlockException) as caught:
            block.perform(given, clients_of(FolderFiles(tmp_path), LOOPBACK))
    assert "is wrong" in caught.value.value.message
    assert "battery" not in caught.value.value.message
    assert "battery" not in repr(server(1, password="wrong-battery"))
