"""Reading and sorting mail by IMAP. The original has no such blocks."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flows.blocks.base import Block, Direction, Effect, Property
from flows.blocks.clients import Clients
from flows.blocks.email.filters import EMAILS, FILTER, FOLDER, chosen_of, folder_of, query_of
from flows.blocks.email.received import named_apart, structure_of
from flows.blocks.email.session import CLOSE, DETAILS, server_of, session_errors
from flows.blocks.enumerations import Enumeration
from flows.blocks.errors import exception, out_of_range
from flows.blocks.files.base import exception_of
from flows.blocks.mail import Chosen, FoundMails, MailServer, Mark

_MOST = 1000
_COUNT = Property("Count", "Int32", Direction.OUTPUT)
_MARKS = Enumeration("EmailMark", {mark.value: number for number, mark in enumerate(Mark)})


class ImapBlock(Block):
    """A block that signs in to an IMAP server, as Send Email Using SMTP Server does to one of
    SMTP. Port 0 is 993 with UseSsl and 143 without."""

    palette = "Email"
    icon = "mail"
    effect: ClassVar[Effect] = Effect.REPEATABLE
    throws: ClassVar[tuple[str, ...]] = (
        "EmailSessionException",
        "ImapCommandException",
        "PropertyEmptyException",
        "PropertyValueOutOfRangeException",
    )

    def perform(self, inputs: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        server = server_of(inputs)
        with session_errors(server, "ImapCommandException"):
            return self.act(server, inputs, clients)

    def act(
        self, server: MailServer, inputs: Mapping[str, Any], clients: Clients
    ) -> Mapping[str, Any]:
        """Do it and return output properties."""
        raise NotImplementedError(self.type)


class ListEmailFoldersUsingImapServer(ImapBlock):
    """Gives the folders of a mailbox: {Name, Count, UnreadCount} of each. Names of folders in
    folders are as the server writes them, as `INBOX/Orders`."""

    type = "List Email Folders Using IMAP Server"
    properties = (DETAILS, CLOSE, Property("Folders", "IList<TItem>", Direction.OUTPUT))

    def act(
        self, server: MailServer, inputs: Mapping[str, Any], clients: Clients
    ) -> Mapping[str, Any]:
        folders = clients.mail_reader.folders(server)
        told = [{"Name": f.name, "Count": f.count, "UnreadCount": f.unread} for f in folders]
        return {"Folders": told}


class ReadEmailsUsingImapServer(ImapBlock):
    """Gives the newest messages of a folder that the Filter matches, the newest first.

    Filter is a structure of what must hold: From, To, Subject and Text are contained (in any
    case), Unread and Flagged are true or false, Since and Before are days of when the server
    received it. A message is {Uid, UidValidity, Folder, MessageId, From, To, Cc, ReplyTo, Subject,
    SentAt, ReceivedAt, IsRead, IsFlagged, SizeInBytes, IsComplete, Body, HtmlBody, Attachments}.
    The messages of one block may take 25,000,000 bytes; of those beyond that only the headers are
    read, and IsComplete is false.

    With Mark As Read the server remembers that they were read; otherwise nothing changes there.
    With an Attachments Folder, attachments are saved in `<Uid>` below it, and Path says where.

    With UseSsl the connection is encrypted from the start, or by STARTTLS on port 143 and where
    the server begins without encryption. Port 0 is 993 with UseSsl and 143 without.
    """

    type = "Read Emails Using IMAP Server"
    effect = Effect.ONCE
    properties = (
        DETAILS,
        FOLDER,
        Property(FILTER, "EmailFilter"),
        Property("Limit", "Int32", default=50, description=f"from 1 to {_MOST}"),
        Property("Mark As Read", "Boolean", default=False),
        Property("Attachments Folder", "String", advanced=True, description="null saves none"),
        CLOSE,
        Property("Emails", "IList<TItem>", Direction.OUTPUT),
    )
    throws = (*ImapBlock.throws, "OperationFailedException")

    def effect_of(self, inputs: Mapping[str, Any]) -> Effect:
        """Messages that a first attempt marked would not be found again among unread ones."""
        return Effect.ONCE if inputs["Mark As Read"] else Effect.REPEATABLE

    def act(
        self, server: MailServer, inputs: Mapping[str, Any], clients: Clients
    ) -> Mapping[str, Any]:
        limit, folder = inputs["Limit"], folder_of(inputs)
        if not 1 <= limit <= _MOST:
            raise out_of_range("Limit", limit, f"from 1 to {_MOST}")
        found = clients.mail_reader.find(server, folder, query_of(inputs), limit)
        emails = _emails(found, folder, inputs["Attachments Folder"], clients)
        if inputs["Mark As Read"] and emails:
            # Now that nothing can fail any more: they may not be found again.
            uids = tuple(email["Uid"] for email in emails)
            clients.mail_reader.mark(server, Chosen(folder, uids, found.validity), Mark.READ)
        return {"Emails": [{**e, "IsRead": e["IsRead"] or inputs["Mark As Read"]} for e in emails]}


def _emails(
    found: FoundMails, folder: str, attachments_folder: str | None, clients: Clients
) -> list[dict[str, Any]]:
    emails = []
    for mail in found.mails:
        email, attachments = structure_of(folder, found.validity, mail)
        if attachments_folder:
            names = named_apart(attachments)
            for told, (name, content) in zip(email["Attachments"], names, strict=True):
                told["Path"] = f"{attachments_folder.rstrip('/')}/{mail.uid}/{name}"
                _save(told["Path"], content, clients)
        emails.append(email)
    return emails


def _save(path: str, content: bytes, clients: Clients) -> None:
    try:
        clients.files.write(path, content, overwrite=True)
    except (OSError, ValueError) as error:
        raise exception(
            "OperationFailedException",
            f"The file '{path}' could not be written: {exception_of(error).message}",
        ) from None


class MarkEmailsUsingImapServer(ImapBlock):
    """Marks messages as Read, Unread, Flagged or Unflagged. Count says how many of them there
    are; one that is gone is none."""

    type = "Mark Emails Using IMAP Server"
    properties = (
        DETAILS, FOLDER, EMAILS, _MARKS.property("Mark", "Read", advanced=False), CLOSE, _COUNT,
    )  # fmt: skip
    throws = (*ImapBlock.throws, "ArgumentException")

    def act(
        self, server: MailServer, inputs: Mapping[str, Any], clients: Clients
    ) -> Mapping[str, Any]:
        mark = Mark(_MARKS.member("Mark", inputs["Mark"]))
        return {"Count": clients.mail_reader.mark(server, chosen_of(inputs), mark)}


class MoveEmailsUsingImapServer(ImapBlock):
    """Moves messages to the Target Folder. Count says how many of them there were; one that is
    gone is none."""

    type = "Move Emails Using IMAP Server"
    effect = Effect.ONCE
    properties = (
        DETAILS, FOLDER, EMAILS, Property("Target Folder", "String", required=True, nonempty=True),
        CLOSE, _COUNT,
    )  # fmt: skip

    def act(
        self, server: MailServer, inputs: Mapping[str, Any], clients: Clients
    ) -> Mapping[str, Any]:
        target = folder_of(inputs, "Target Folder")
        return {"Count": clients.mail_reader.move(server, chosen_of(inputs), target)}


class DeleteEmailsUsingImapServer(ImapBlock):
    """Deletes messages for good. Count says how many of them there were; one that is gone is
    none."""

    type = "Delete Emails Using IMAP Server"
    properties = (DETAILS, FOLDER, EMAILS, CLOSE, _COUNT)

    def act(
        self, server: MailServer, inputs: Mapping[str, Any], clients: Clients
    ) -> Mapping[str, Any]:
        return {"Count": clients.mail_reader.delete(server, chosen_of(inputs))}
