"""What a browser says on its live connection, checked before anything is done with it."""

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


class Malformed(ValueError):
    """A message that no page of this version sends."""


class Ping(msgspec.Struct, tag="ping"):
    """Asks for the clock; `sent` is the browser's own, in milliseconds."""

    sent: float


class Show(msgspec.Struct, tag="show", kw_only=True):
    """What a page of the grid shows: its address and layout, the ids and revisions of its rows
    (0: the row is needed whole), and where it begins and ends.

    `windows`, `heard` and `page` are those of `GridViewer.show`.
    """

    query: str = ""
    layout: str = ""
    newest: Key = ""
    oldest: Key = ""
    windows: Annotated[dict[Id, Key], Meta(max_length=WINDOWS_LIMIT)] = {}
    rows: Annotated[list[tuple[Id, Number]], Meta(max_length=SHOWN_LIMIT)] = []
    heard: Number = sys.maxsize
    page: Number = 0

    @property
    def address(self) -> QueryDict:
        """The parameters of its address. Raises Malformed where there are too many."""
        try:
            return QueryDict(self.query.removeprefix("?"))
        except TooManyFieldsSent as error:
            raise Malformed("Its address has too many parameters") from error


_decoder = msgspec.json.Decoder(Ping | Show)


def read(text: str | None) -> Ping | Show:
    """Read a message; None is one of bytes. Raises Malformed."""
    if text is None or len(text) > MESSAGE_LIMIT:
        raise Malformed("It is not a text, or too long")
    try:
        heard: Ping | Show = _decoder.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        # A ValueError is half of a surrogate pair.
        raise Malformed(str(error)) from error
    return heard
