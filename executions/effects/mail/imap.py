"""Reading and changing mail by IMAP."""

import imaplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import imapclient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError, ProtocolError

from executions.effects.connections import Network
from executions.effects.mail.sessions import NO_ENCRYPTION, Protocol, session
from executions.limits import MAIL_BYTES
from flows.blocks.mail import (
    Chosen,
    FoundMails,
    MailError,
    MailFolder,
    MailQuery,
    MailRefused,
    MailServer,
    Mark,
    StoredMail,
)

#: What a session may read beside the messages: lists of folders and numbers.
_MORE_BYTES = 10_000_000
#: Folders that are told.
_FOLDERS = 500
_MARKS = {
    Mark.READ: (True, imapclient.SEEN),
    Mark.UNREAD: (False, imapclient.SEEN),
    Mark.FLAGGED: (True, imapclient.FLAGGED),
    Mark.UNFLAGGED: (False, imapclient.FLAGGED),
}
#: Folders that hold no messages.
_NO_MAIL = frozenset({rb"\Noselect".lower(), rb"\NonExistent".lower()})


class _Imap(imaplib.IMAP4):
    """The protocol on a connection that is there already, up to a limit for all that is read."""

    def __init__(self, connection: socket.socket, host: str) -> None:
        self._connection = connection
        self._left = MAIL_BYTES + _MORE_BYTES
        super().__init__(host)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        return self._connection

    def read(self, size: int) -> bytes:
        if size > self._left:
            raise self.abort("the answer is too long")
        self._left -= size
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._left -= len(line)
        if self._left < 0:
            raise self.abort("the answer is too long")
        return line


class _Client(imapclient.IMAPClient):  # type: ignore[misc]  # it comes without types
    def __init__(self, connection: socket.socket, host: str) -> None:
        self._connection = connection
        super().__init__(host, ssl=False)
        self._imap.debug = 0  # it would log what is said
        self.normalise_times = False  # which would take the zone away

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return _Imap(self._connection, self.host)


def _encrypt(client: _Client, trusted: ssl.SSLContext) -> None:
    if not client.has_capability("STARTTLS"):
        raise MailError(NO_ENCRYPTION, "SSL", 201)
    client.starttls(trusted)


def _sign_in(client: _Client, server: MailServer) -> None:
    if client.has_capability("LOGINDISABLED"):
        raise MailError("The server wants encryption (UseSsl).", "SSL", 200)
    try:
        if server.user.isascii() and server.password.isascii():
            client.login(server.user, server.password)
        else:
            client.plain_login(server.user, server.password)
    except LoginError as error:
        problem = f"The user name or the password is refused: {str(error)[:500]}"
        raise MailError(problem, "UserCredentials", 300) from None


def _end(client: _Client) -> None:
    try:
        client.logout()
    finally:
        client.shutdown()


IMAP: Protocol[_Client] = Protocol(
    tls_port=993,
    port=143,
    plain_ports=frozenset({143}),
    begin=_Client,
    encrypt=_encrypt,
    sign_in=_sign_in,
    end=_end,
    failures=(OSError, imaplib.IMAP4.error, ValueError, LookupError),
)


@dataclass(frozen=True, slots=True)
class ImapReader:
    """`flows.blocks.mail.MailReader` over a network."""

    network: Network

    def folders(self, server: MailServer) -> list[MailFolder]:
        """Return the folders that can hold messages."""
        found: list[MailFolder] = []
        with self._session(server) as client:
            for flags, _, name in client.list_folders():
                if _NO_MAIL & {flag.lower() for flag in flags}:
                    continue
                if len(found) == _FOLDERS:
                    raise MailRefused(f"There are more than {_FOLDERS} folders.")
                status = client.folder_status(name, ["MESSAGES", "UNSEEN"])
                found.append(MailFolder(name, status[b"MESSAGES"], status[b"UNSEEN"]))
        return found

    def find(self, server: MailServer, folder: str, query: MailQuery, limit: int) -> FoundMails:
        """Return the newest messages that a query matches, the newest first."""
        with self._session(server) as client:
            validity = _selected(client, folder, readonly=True)
            uids = _search(client, query)[:limit]
            return FoundMails(validity, list(_read(client, uids)))

    def mark(self, server: MailServer, chosen: Chosen, mark: Mark) -> int:
        """Mark messages; return how many there are."""
        add, flag = _MARKS[mark]
        with self._session(server) as client:
            uids = _present(client, chosen)
            if uids:
                (client.add_flags if add else client.remove_flags)(uids, [flag], silent=True)
        return len(uids)

    def move(self, server: MailServer, chosen: Chosen, target: str) -> int:
        """Move messages to another folder; return how many there were."""
        with self._session(server) as client:
            uids = _present(client, chosen)
            if uids and client.has_capability("MOVE"):
                client.move(uids, target)
            elif uids:
                _require_own_expunge(client)
                client.copy(uids, target)
                _delete(client, uids)
        return len(uids)

    def delete(self, server: MailServer, chosen: Chosen) -> int:
        """Delete messages for good; return how many there were."""
        with self._session(server) as client:
            uids = _present(client, chosen)
            if uids:
                _require_own_expunge(client)
                _delete(client, uids)
        return len(uids)

    @contextmanager
    def _session(self, server: MailServer) -> Iterator[_Client]:
        with session(IMAP, server, self.network) as client:
            try:
                yield client
            except (IMAPClientAbortError, ProtocolError):
                raise
            except IMAPClientError as error:
                raise MailRefused(f"The server refuses: {str(error)[:500]}") from None


def _selected(client: _Client, folder: str, *, readonly: bool = False) -> int:
    """Select a folder; return the validity of the numbers in it."""
    return int(client.select_folder(folder, readonly=readonly).get(b"UIDVALIDITY", 0))


def _present(client: _Client, chosen: Chosen) -> list[int]:
    """Return the numbers of those messages that are still in their folder."""
    validity = _selected(client, chosen.folder)
    if chosen.validity is not None and validity != chosen.validity:
        raise MailRefused(f"The folder {chosen.folder} is another one than it was.")
    if not chosen.uids:
        return []
    return list(client.search(["UID", ",".join(map(str, chosen.uids))]))


def _require_own_expunge(client: _Client) -> None:
    """Raise MailRefused where to delete some messages would delete others that somebody else has
    marked for that."""
    if not client.has_capability("UIDPLUS"):
        raise MailRefused("The server cannot delete single messages (UIDPLUS).")


def _delete(client: _Client, uids: Sequence[int]) -> None:
    client.delete_messages(uids, silent=True)
    client.uid_expunge(uids)


def _search(client: _Client, query: MailQuery) -> list[int]:
    """Return the numbers of the messages that a query matches, the highest first."""
    criteria: list[Any] = ["UNDELETED"]
    texts = {
        "FROM": query.sender,
        "TO": query.to,
        "SUBJECT": query.subject,
        "TEXT": query.text,
    }
    for key, text in texts.items():
        criteria += [key, text] if text else []
    for yes, no, wanted in (
        ("UNSEEN", "SEEN", query.unread),
        ("FLAGGED", "UNFLAGGED", query.flagged),
    ):
        criteria += [] if wanted is None else [yes if wanted else no]
    for key, day in (("SINCE", query.since), ("BEFORE", query.before)):
        criteria += [key, day] if day else []
    charset = None if all(text.isascii() for text in texts.values()) else "UTF-8"
    return sorted(client.search(criteria, charset), reverse=True)


def _read(client: _Client, uids: Sequence[int]) -> Iterator[StoredMail]:
    """Yield messages, one at a time: the whole of those for which there is room, and the head of
    the others."""
    if not uids:
        return
    left = MAIL_BYTES
    known = client.fetch(uids, ["FLAGS", "INTERNALDATE", "RFC822.SIZE"])
    for uid in uids:
        if uid not in known:
            continue  # deleted meanwhile
        size = int(known[uid][b"RFC822.SIZE"])
        complete = size <= left
        part = "BODY.PEEK[]" if complete else "BODY.PEEK[HEADER]"
        found = client.fetch([uid], [part]).get(uid)
        if found is None:
            continue
        content = found.get(b"BODY[]") or found.get(b"BODY[HEADER]") or b""
        left -= len(content)
        flags = known[uid].get(b"FLAGS", ())
        yield StoredMail(
            uid=uid,
            received=_with_zone(known[uid][b"INTERNALDATE"]),
            size=size,
            is_read=imapclient.SEEN in flags,
            is_flagged=imapclient.FLAGGED in flags,
            content=content,
            complete=complete,
        )


def _with_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
