"""What a block with an effect reaches outside its execution: files, HTTP and mail.

Whoever performs the effect passes in the implementations (`executions.effects`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from flows.blocks.mail import MailReader, MailSender


class FileStore(Protocol):
    """Text files inside the configured folder. Raises OSError or UnicodeError on failure."""

    def read_text(self, path: str, encoding: str | None) -> str:
        """Return the whole text of a file."""

    def read(self, path: str) -> bytes:
        """Return the content of a file."""

    def write(self, path: str, data: bytes, *, overwrite: bool) -> None:
        """Write the data, or append it to what is there when `overwrite` is false."""

    def write_text(self, path: str, text: str, *, overwrite: bool, encoding: str | None) -> None:
        """Write the text, or append it to what is there when `overwrite` is false."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """An HTTP request; `credentials` are a user name and a password."""

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    credentials: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP response: its status, reason phrase, headers and decoded body."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: str


class HttpClient(Protocol):
    """Sends HTTP requests."""

    def send(self, request: HttpRequest) -> HttpResponse:
        """Return the response. Raises ConnectionError with a clear text when there is none, and
        PermissionError when the address is not allowed."""


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where a database is, as a URL, and whether nothing may be changed there."""

    url: str
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class Bound:
    """A place in a statement for the value of a parameter, which is sent beside it."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Statement:
    """A SQL statement: text, and the places of its parameters."""

    parts: tuple[str | Bound, ...]


@dataclass(frozen=True, slots=True)
class Executed:
    """What a statement gave: rows, None where it is no query, and how many it affected."""

    rows: list[dict[str, Any]] | None
    count: int


class DataProblem(Exception):
    """Why a database did not do what it was asked. `code` is that of CommandException, None for an
    address that names no database; `statement` is the index of the one that failed."""

    def __init__(self, code: int | None, problem: str, statement: int | None = None) -> None:
        super().__init__(problem)
        self.code = code
        self.statement = statement

    def at(self, index: int) -> "DataProblem":
        """Return the same problem of the statement with that index."""
        return DataProblem(self.code, str(self), index)


class DatabaseClient(Protocol):
    """Runs SQL."""

    def execute(
        self, address: DatabaseAddress, batches: Sequence[Sequence[Statement]]
    ) -> list[list[Executed]]:
        """Run the statements in one transaction. Raises DataProblem; then nothing is changed."""


@dataclass(frozen=True, slots=True)
class Clients:
    files: FileStore
    http: HttpClient
    databases: DatabaseClient
    mail_sender: MailSender
    mail_reader: MailReader
    #: The clock of the machine.
    now: Callable[[], datetime]
