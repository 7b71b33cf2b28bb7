"""Sending mail by SMTP."""

from collections.abc import Mapping
from typing import Any

from flows.blocks.base import Block, Effect, Property
from flows.blocks.clients import Clients
from flows.blocks.email import message
from flows.blocks.email.session import CLOSE, DETAILS, server_of, session_errors

_EMPTY = {
    "To": [{"Name": None, "Address": ""}],
    "From": {"Name": "", "Address": ""},
    "Cc": [],
    "Bcc": [],
    "Priority": "EmailMessagePriority.Normal",
    "Subject": "",
    "BodyFormat": "EmailMessageBodyFormat.Text",
    "Body": "",
    "Attachments": [],
}


class SendEmailUsingSmtpServer(Block):
    """Sends a message to all of its recipients, or to nobody when the server refuses one of them.

    Email Message is a structure of To, From, Cc, Bcc (addresses of {Name, Address}), Priority
    (Normal, NonUrgent, Urgent), Subject, BodyFormat (Text, Html), Body and Attachments (paths of
    files below the files folder); what is left out is empty.

    With UseSsl, which is the default, the connection is encrypted before anything is said: from
    the start, or by STARTTLS on the ports 25 and 587 and where the server begins without
    encryption. The certificate must be one that the machine trusts. Without UseSsl nothing is
    encrypted, the password included. Port 0 is 465 with UseSsl and 587 without. The server must
    ask for a user name and a password; declare their variable as secret. There is no sign-in with
    OAuth: where a provider refuses the account's password, make an app password there.

    EmailSessionException tells by Category and ErrorCode what is wrong: Socket 100 (port) and 101
    (host), SSL 200 (the server wants encryption) and 201 (it has none that is good), and
    UserCredentials 300. A line break in a name, an address or the subject is refused.
    """

    type = "Send Email Using SMTP Server"
    palette = "Email"
    icon = "mail"
    effect = Effect.ONCE
    properties = (
        Property(message.NAME, "EmailMessage", default=_EMPTY, required=True),
        DETAILS,
        CLOSE,
    )
    throws = (
        "ArgumentException",
        "ArgumentNullException",
        "EmailSessionException",
        "FileNotFoundException",
        "IOException",
        "PathTooLongException",
        "PropertyEmptyException",
        "PropertyValueOutOfRangeException",
        "SmtpCommandException",
        "UnauthorizedAccessException",
    )

    def perform(self, inputs: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        mail = message.mail_of(inputs, clients.files)
        server = server_of(inputs)
        with session_errors(server, "SmtpCommandException"):
            clients.mail_sender.send(server, mail)
        return {}
