"""Basic Email Session Details, and what comes of a server that is not spoken to."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flows.blocks.base import Direction, Property
from flows.blocks.errors import exception, invalid_property
from flows.blocks.mail import MailError, MailRefused, MailServer
from flows.blocks.records import Record, one_line

DETAILS = Property(
    "Basic Email Session Details",
    "BasicEmailSessionDetails",
    Direction.BOTH,
    required=True,
    description="a variable with ServerDetails (Host, Port, UseSsl) and Credentials (Username, "
    "Password)",
)
CLOSE = Property(
    "Close Session",
    "Boolean",
    default=True,
    description="has no effect: each block signs in, does its work, and signs out again",
)


def server_of(inputs: Mapping[str, Any]) -> MailServer:
    """Return the server and the user that session details name.

    Raises PropertyNullException, PropertyEmptyException, PropertyValueOutOfRangeException and
    InvalidPropertyValueException as a BlockException.
    """
    details = Record(DETAILS.name, inputs[DETAILS.name])
    server = details.needed_part("ServerDetails")
    host = one_line(server.needed_text("Host"), server.path("Host"))
    credentials = details.needed_part("Credentials")
    domain, user = credentials.text("Domain"), credentials.needed_text("Username")
    user = one_line(f"{domain}\\{user}" if domain else user, credentials.path("Username"))
    password = credentials.needed_text("Password")
    if any(ord(character) < 32 for character in password):
        raise invalid_property(credentials.path("Password"), "it holds a control character.")
    return MailServer(
        host=host.strip(),
        port=server.number("Port", 0, 0, 65535),
        tls=server.flag("UseSsl", True),
        user=user,
        password=password,
    )


@contextmanager
def session_errors(server: MailServer, refused: str) -> Iterator[None]:
    """Raise EmailSessionException where a server is not spoken to, and the exception `refused`
    where it refuses a command. Neither shows the password, which a server may repeat."""
    try:
        yield
    except MailError as error:
        raise exception(
            "EmailSessionException",
            _without(server.password, str(error)),
            category=error.category,
            error_code=error.code,
        ) from None
    except MailRefused as error:
        raise exception(
            refused, _without(server.password, str(error)), error_code=error.status
        ) from None


def _without(password: str, text: str) -> str:
    return text.replace(password, "••••••")
