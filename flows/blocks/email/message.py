"""Email Message: what is to be sent, read from its structure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flows.blocks.clients import FileStore
from flows.blocks.enumerations import EMAIL_BODY_FORMAT, EMAIL_PRIORITY, Enumeration
from flows.blocks.errors import exception, invalid_argument, property_empty, property_null
from flows.blocks.files.base import exception_of
from flows.blocks.mail import Attachment, Mailbox, OutgoingMail
from flows.blocks.records import Record, needed, one_line
from flows.values import article, summary, type_name

NAME = "Email Message"
_HEADERS = {"Normal": "", "NonUrgent": "non-urgent", "Urgent": "urgent"}
#: What an address looks like: no blanks, quotes or brackets, and one @ inside.
_ADDRESS = re.compile(r'[^\s@<>"(),:;\\\[\]]{1,64}@[^\s@<>"(),:;\\\[\]]{1,255}')


def mail_of(inputs: Mapping[str, Any], files: FileStore) -> OutgoingMail:
    """Return the message that a property describes, with the content of its attachments.

    What an address, a name and a subject hold can begin no other header. Raises BlockException.
    """
    message = Record(NAME, inputs[NAME])
    to, cc, bcc = (tuple(_mailboxes(message, member)) for member in ("To", "Cc", "Bcc"))
    if not (to or cc or bcc):
        if message.members.get("To", []) is None:
            raise property_null(message.path("To"))
        raise property_empty(message.path("To"))
    return OutgoingMail(
        sender=_mailbox(message.needed_part("From")),
        to=to,
        cc=cc,
        bcc=bcc,
        subject=_line(message, "Subject"),
        body=message.text("Body"),
        is_html=_choice(EMAIL_BODY_FORMAT, message, "BodyFormat") == "Html",
        priority=_HEADERS[_choice(EMAIL_PRIORITY, message, "Priority")],
        attachments=tuple(_attachments(message, files)),
    )


def _mailboxes(message: Record, member: str) -> Iterator[Mailbox]:
    for index, item in enumerate(message.items(member)):
        name = f"{message.path(member)}[{index}]"
        if item is None:
            raise property_null(name)
        if type(item) is not dict:
            raise invalid_argument(name, f"{article(type_name(item))} is not an EmailAddress.")
        yield _mailbox(Record(name, item))


def _mailbox(record: Record) -> Mailbox:
    address = record.needed_text("Address").strip()
    if not _ADDRESS.fullmatch(address) or not address.isprintable():
        raise invalid_argument(record.path("Address"), f"{summary(address)} is not an address.")
    return Mailbox(_line(record, "Name"), address)


def _line(record: Record, member: str) -> str:
    return one_line(record.text(member), record.path(member))


def _choice(kind: Enumeration, message: Record, member: str) -> str:
    found = message.members.get(member)
    return kind.member(message.path(member), next(iter(kind)) if found is None else found)


# Attachments ----------------------------------------------------------------------------------


def _attachments(message: Record, files: FileStore) -> Iterator[Attachment]:
    """Yield the files that are attached. Raises the exception of the first that cannot be read."""
    for index, item in enumerate(message.items("Attachments")):
        name = f"{message.path('Attachments')}[{index}]"
        if item is None:
            raise exception("ArgumentNullException", f"'{name}' is null; it must be a path.")
        if type(item) is str and not item.strip():
            raise invalid_argument(name, "it is no path.")
        path = needed(item, name)
        try:
            content = files.read(path)
        except (OSError, ValueError) as error:
            problem = exception_of(error)
            raise exception(
                problem.short_type, f"The file '{path}' could not be attached: {problem.message}"
            ) from None
        yield Attachment(one_line(path.rstrip("/").rpartition("/")[2], name), content)
