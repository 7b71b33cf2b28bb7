"""The world outside an execution, as blocks with an effect see it. Implementations are injected."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class Files(Protocol):
    """Text files inside the configured folder. Raise OSError or UnicodeError on failure."""

    def read_text(self, path: str, encoding: str | None) -> str: ...

    def write_text(self, path: str, text: str, *, overwrite: bool, encoding: str | None) -> None:
        """Write the text, or append it to what is there when `overwrite` is false."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP response: its status, reason phrase, headers and decoded body."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: str


class Http(Protocol):
    """HTTP requests. Raise ConnectionError with a clear text when there is no answer, and
    PermissionError when the address is not allowed."""

    def request(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: str,
        credentials: tuple[str, str] | None,
    ) -> HttpAnswer: ...


@dataclass(frozen=True, slots=True)
class World:
    files: Files
    http: Http
