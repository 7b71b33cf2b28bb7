"""Messages as structures: the headers, the text and the attachments of their source."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any

from flows.blocks.mail import Attachment, Mailbox, StoredMail, as_structure
from flows.values import storable

#: What is left out of the name of a file: folders, and what no name should hold.
_UNSAFE = re.compile(r"[^\w .,()+@=-]|^\.+")


def structure_of(
    folder: str, validity: int, mail: StoredMail
) -> tuple[dict[str, Any], list[Attachment]]:
    """Return a message as flows see it, and its attachments. What cannot be read of a message that
    breaks the rules is left out."""
    parsed = message_from_bytes(mail.content, policy=default.clone(raise_on_defect=False))
    assert isinstance(parsed, EmailMessage)
    attachments = [_attachment(part) for part in parsed.iter_attachments()] if mail.complete else []
    found = {
        "Uid": mail.uid,
        "UidValidity": validity,
        "Folder": folder,
        "MessageId": _header(parsed, "Message-ID"),
        "From": next(iter(_addresses(parsed, "From")), None),
        "To": _addresses(parsed, "To"),
        "Cc": _addresses(parsed, "Cc"),
        "ReplyTo": _addresses(parsed, "Reply-To"),
        "Subject": _header(parsed, "Subject") or "",
        "SentAt": _date(parsed),
        "ReceivedAt": mail.received,
        "IsRead": mail.is_read,
        "IsFlagged": mail.is_flagged,
        "SizeInBytes": mail.size,
        "IsComplete": mail.complete,
        "Body": _body(parsed, "plain") if mail.complete else None,
        "HtmlBody": _body(parsed, "html") if mail.complete else None,
        "Attachments": [
            {"Name": attachment.name, "SizeInBytes": len(attachment.content), "Path": None}
            for attachment in attachments
        ],
    }
    return found, attachments


def _header(parsed: EmailMessage, name: str) -> str | None:
    try:
        found = parsed.get(name)
    except Exception:  # the parser of headers fails on some that break the rules
        return None
    return None if found is None else storable(str(found).strip())


def _addresses(parsed: EmailMessage, name: str) -> list[dict[str, Any]]:
    found = _header(parsed, name)
    return [
        as_structure(Mailbox(who, address))
        for who, address in getaddresses([found] if found else [])
        if address
    ]


def _date(parsed: EmailMessage) -> datetime | None:
    try:
        found = parsedate_to_datetime(_header(parsed, "Date") or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _body(parsed: EmailMessage, kind: str) -> str | None:
    try:
        part = parsed.get_body((kind,))
    except Exception:  # as above
        return None
    return None if part is None else storable(_text(part)).replace("\r\n", "\n")


def _text(part: Any) -> str:
    try:
        return str(part.get_content())
    except (LookupError, ValueError, KeyError):
        return _content(part).decode("utf-8", "replace")


def _content(part: Any) -> bytes:
    if part.is_multipart():
        return b"".join(inner.as_bytes() for inner in part.iter_parts())
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _attachment(part: Any) -> Attachment:
    try:
        name = part.get_filename()
    except Exception:  # as above
        name = None
    last = re.split(r"[/\\]", storable(name or ""))[-1]
    return Attachment(_UNSAFE.sub("_", last)[:200] or "attachment", _content(part))


def named_apart(attachments: list[Attachment]) -> Iterator[tuple[str, bytes]]:
    """Yield names of files that differ, whatever case they are in, and what they hold."""
    seen: set[str] = set()
    for attachment in attachments:
        stem, dot, end = attachment.name.rpartition(".")
        name, number = attachment.name, 1
        while name.casefold() in seen:
            number += 1
            name = f"{stem} ({number}).{end}" if dot and stem else f"{attachment.name} ({number})"
        seen.add(name.casefold())
        yield name, attachment.content
