"""Remote shells as blocks see them: a server, a terminal, and what was said there.

Whoever performs an effect passes in what speaks SSH (`executions.effects.ssh`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SshServer:
    """A server, and who signs in there: by the private key where there is one. `host_key` is the
    public key that the server must have, or its fingerprint; empty where the platform knows it."""

    host: str
    port: int
    user: str
    password: str = field(default="", repr=False)
    private_key: bytes = field(default=b"", repr=False)
    host_key: str = ""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal, and how to tell that its shell waits for the next command."""

    kind: str
    width: int
    end_of_line: str
    cancel: str
    #: Seconds until the shell has to be ready.
    timeout: float
    #: Whether the text so far ends with the prompt.
    is_ready: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What a server wrote before the command, and after it, with the prompts at the end; and the
    session, where it was left open."""

    welcome: str
    answer: str
    session: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """The session that a command belongs to, "" for any, and whether it is left open."""

    session: str = ""
    on: bool = False


#: A session for one command.
NOT_KEPT = Kept()


class ShellError(OSError):
    """Why there is no session with a server."""


class NoPrompt(OSError):
    """A shell that was not ready in time, or said too much."""


class ShellClient(Protocol):
    """Runs commands in shells. Raises ShellError and NoPrompt."""

    def run(
        self, server: SshServer, terminal: Terminal, command: str, kept: Kept = NOT_KEPT
    ) -> Dialogue:
        """Run one command in the shell that is open for the server, else in a new one."""
