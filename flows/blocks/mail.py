"""Mail as blocks see it: a server, what is sent to it, and what lies in its folders.

Whoever performs an effect passes in what speaks SMTP and IMAP (`executions.effects.mail`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class MailServer:
    """A server, and who signs in there. Port 0 stands for the usual one. With `tls` nothing is
    said before the connection is encrypted."""

    host: str
    port: int
    tls: bool
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address, and whose it is; the name may be empty."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A message to be sent."""

    sender: Mailbox
    to: Sequence[Mailbox]
    cc: Sequence[Mailbox]
    bcc: Sequence[Mailbox]
    subject: str
    body: str
    is_html: bool
    #: "urgent", "non-urgent" or nothing.
    priority: str = ""
    attachments: Sequence[Attachment] = ()


@dataclass(frozen=True, slots=True)
class MailQuery:
    """Which messages of a folder are asked for: what is None or empty does not count."""

    sender: str = ""
    to: str = ""
    subject: str = ""
    text: str = ""
    unread: bool | None = None
    flagged: bool | None = None
    since: date | None = None
    before: date | None = None


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A message in a folder. `content` is its source; only the head of it when not `complete`."""

    uid: int
    received: datetime
    size: int
    is_read: bool
    is_flagged: bool
    content: bytes
    complete: bool


@dataclass(frozen=True, slots=True)
class MailFolder:
    name: str
    count: int
    unread: int


@dataclass(frozen=True, slots=True)
class FoundMails:
    """Messages of a folder. Their numbers mean the same as long as `validity` is the same."""

    validity: int
    mails: Sequence[StoredMail]


class Mark(Enum):
    """What a message may be marked as."""

    READ = "Read"
    UNREAD = "Unread"
    FLAGGED = "Flagged"
    UNFLAGGED = "Unflagged"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Messages of a folder by their numbers, and the validity of these if it is known."""

    folder: str
    uids: Sequence[int]
    validity: int | None = None


class MailError(OSError):
    """Why a server was not spoken to: its category and code are those of EmailSessionException."""

    def __init__(self, message: str, category: str, code: int) -> None:
        super().__init__(message)
        self.category, self.code = category, code


class MailRefused(OSError):
    """A command that the server refused, and its status where it has one."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class MailSender(Protocol):
    """Sends mail by SMTP. Raises MailError and MailRefused."""

    def send(self, server: MailServer, mail: OutgoingMail) -> None:
        """Send a message to all of its recipients or to nobody."""


class MailReader(Protocol):
    """Reads and changes mail by IMAP. Raises MailError and MailRefused."""

    def folders(self, server: MailServer) -> list[MailFolder]:
        """Return the folders that can hold messages."""

    def find(self, server: MailServer, folder: str, query: MailQuery, limit: int) -> FoundMails:
        """Return the newest messages that a query matches, the newest first."""

    def mark(self, server: MailServer, chosen: Chosen, mark: Mark) -> int:
        """Mark messages; return how many there are."""

    def move(self, server: MailServer, chosen: Chosen, target: str) -> int:
        """Move messages to another folder; return how many there were."""

    def delete(self, server: MailServer, chosen: Chosen) -> int:
        """Delete messages for good; return how many there were."""


def as_structure(mailbox: Mailbox) -> dict[str, Any]:
    """Return an address as flows see it."""
    return {"Name": mailbox.name or None, "Address": mailbox.address}
