"""What a block with an effect reaches outside its execution: files, HTTP and mail.

Whoever performs the effect passes in the implementations (`executions.effects`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from flows.blocks.mail import MailReader, MailSender
from flows.blocks.shell import ShellClient


@dataclass(frozen=True, slots=True)
class FileStatus:
    """What is at a path. Both questions are answered no for devices and the like."""

    is_folder: bool
    is_file: bool
    size: int
    writable: bool
    created: datetime
    accessed: datetime
    modified: datetime


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file or folder in another folder, by its path from there."""

    path: str
    is_folder: bool = False
    size: int = 0


class FileStore(Protocol):
    """Files and folders inside the configured folder. Raises OSError or ValueError on failure."""

    def read(self, path: str) -> bytes:
        """Return the content of a file."""

    def write(self, path: str, data: bytes, *, overwrite: bool, mark: bytes = b"") -> None:
        """Write the data, or append it to what is there when `overwrite` is false. `mark` goes in
        front of it where the file is empty so far."""

    def delete_file(self, path: str) -> None:
        """Delete a file; one that is missing is no error."""

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it; one that exists is no error."""

    def delete_folder(self, path: str, *, recursive: bool) -> None:
        """Delete a folder; one that is missing is no error."""

    def status(self, path: str) -> FileStatus | None:
        """Return what is at a path, None for nothing."""

    def entries(self, path: str, *, recursive: bool) -> list[FileEntry]:
        """Return the files and folders in a folder, with `recursive` at any depth."""

    def copy_file(self, path: str, target: str, *, overwrite: bool) -> None:
        """Copy a file to the path `target`."""

    def move_file(self, path: str, target: str, *, overwrite: bool) -> None:
        """Move a file to the path `target`."""

    def copy_folder(self, path: str, target: str, *, overwrite: bool, content_only: bool) -> None:
        """Copy what is in a folder into the folder `target`, which may exist when `content_only` or
        `overwrite`."""

    def move_folder(self, path: str, target: str, *, overwrite: bool, content_only: bool) -> None:
        """Move a folder to the path `target`, or when `content_only` what is in it."""


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
        self,
        address: DatabaseAddress,
        batches: Sequence[Sequence[Statement]],
        *,
        keep: bool = False,
    ) -> list[list[Executed]]:
        """Run the statements in one transaction, on the connection that is open for the address,
        else on a new one; `keep` leaves it open. Raises DataProblem; then nothing is changed."""


@dataclass(frozen=True, slots=True)
class Clients:
    files: FileStore
    http: HttpClient
    databases: DatabaseClient
    mail_sender: MailSender
    mail_reader: MailReader
    shell: ShellClient
    #: The clock of the machine.
    now: Callable[[], datetime]
