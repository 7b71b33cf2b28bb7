"""The messages of a browser, checked before anything is done with them."""

import sys
from typing import Annotated

import msgspec
from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict
from msgspec import Meta

from executions.live.viewers import SHOWN_LIMIT

#: Characters of a message; longer ones are refused.
MESSAGE_LIMIT = 400_000
#: Open rows with more children than are listed.
WINDOWS_LIMIT = 100

Key = Annotated[str, Meta(max_length=200)]
Id = Annotated[str, Meta(max_length=36)]
Number = Annotated[int, Meta(ge=0, le=sys.maxsize)]


class MalformedMessage(ValueError):
    """A message that no page of this version sends."""


class Ping(msgspec.Struct, tag="ping"):
    """A request for the server's clock; `sent` is the browser's own, in milliseconds."""

    sent: float


class Show(msgspec.Struct, tag="show", kw_only=True, forbid_unknown_fields=True):
    """What a page of the grid shows: its address and layout, the ids and revisions of its rows, and
    where it begins and ends (`ShownPage`; `page` is its `number`)."""

    query: str = ""
    layout: str = ""
    newest: Key = ""
    oldest: Key = ""
    windows: Annotated[dict[Id, Key], Meta(max_length=WINDOWS_LIMIT)] = {}
    rows: Annotated[list[tuple[Id, Number]], Meta(max_length=SHOWN_LIMIT)] = []
    last_frame: Number = sys.maxsize
    page: Number = 0

    @property
    def address(self) -> QueryDict:
        """The parameters of the address. Raises MalformedMessage when there are too many."""
        try:
            return QueryDict(self.query.removeprefix("?"))
        except TooManyFieldsSent as error:
            raise MalformedMessage("The address has too many parameters") from error


_decoder = msgspec.json.Decoder(Ping | Show)


def read(text: str | None) -> Ping | Show:
    """Return the message that a text holds; None stands for bytes. Raises MalformedMessage."""
    if text is None or len(text) > MESSAGE_LIMIT:
        raise MalformedMessage("The message is not a text, or too long")
    try:
        message: Ping | Show = _decoder.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        # A ValueError is half of a surrogate pair.
        raise MalformedMessage(str(error)) from error
    return message
