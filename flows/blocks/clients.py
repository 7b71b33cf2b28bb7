"""What a block with an effect reaches outside its execution: text files and HTTP.

Whoever performs the effect passes in the implementations (`executions.effects`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


class FileStore(Protocol):
    """Text files inside the configured folder. Raises OSError or UnicodeError on failure."""

    def read_text(self, path: str, encoding: str | None) -> str:
        """Return the whole text of a file."""

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
class Clients:
    files: FileStore
    http: HttpClient
    #: The clock of the machine.
    now: Callable[[], datetime]
