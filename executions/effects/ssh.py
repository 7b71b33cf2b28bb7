"""Shells on other machines by SSH (the extra `ssh`)."""

import asyncio
import ipaddress
import socket
import time
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from executions.effects.connections import Network
from executions.effects.sessions import Sessions
from executions.limits import SHELL_CHARACTERS
from flows.blocks.shell import NOT_KEPT, Dialogue, Kept, NoPrompt, ShellError, SshServer, Terminal

#: Seconds without more output after which a prompt counts as one: output may look like it.
_QUIET = 0.15
_CHUNK = 65536
#: Seconds for the end of a session.
_CLOSING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class SshShells:
    """`flows.blocks.shell.ShellClient` over a network. `known_hosts` is a file of OpenSSH's."""

    network: Network
    known_hosts: Path | None = None
    sessions: Sessions = field(default_factory=Sessions)

    def run(
        self, server: SshServer, terminal: Terminal, command: str, kept: Kept = NOT_KEPT
    ) -> Dialogue:
        """Run a command in a shell. Raises ShellError and NoPrompt."""
        try:
            import asyncssh  # noqa: PLC0415 - an extra
        except ImportError:
            raise ShellError("SSH is not installed: install the extra `ssh`.") from None
        at = f"{server.host}:{server.port}"
        try:
            return self._said(asyncssh, server, terminal, command, kept)
        except (ShellError, NoPrompt):
            raise
        except TimeoutError:
            raise ShellError(f"The session with {at} took too long.") from None
        except asyncssh.HostKeyNotVerifiable as error:
            raise ShellError(f"The session with {at} failed: {error}") from None
        except asyncssh.PermissionDenied:
            raise ShellError(f"{at} refuses the user name, the password or the key.") from None
        except (asyncssh.Error, asyncssh.KeyImportError, OSError, ValueError) as error:
            raise ShellError(f"The session with {at} failed: {error}") from None

    def _said(
        self, ssh: Any, server: SshServer, terminal: Terminal, command: str, kept: Kept
    ) -> Dialogue:
        until = self.network.deadline()
        shell = self._open(server, kept)
        with ExitStack() as stack:
            if shell is None:
                connection = self.network.connect(server.host, server.port, until)
                shell = _Shell(_Session(ssh, server, self.known_hosts, until), connection)
            stack.callback(shell.close)
            dialogue = shell.say(terminal, command, until)
            if kept.on:
                stack.pop_all()
                self.sessions.keep(server, shell)
                return replace(dialogue, session=shell.name)
        return dialogue

    def _open(self, server: SshServer, kept: Kept) -> "_Shell | None":
        """Return the shell that is open for a server. Raises ShellError where it is another one
        than a flow means: what its commands did to it is lost."""
        shell = self.sessions.take(server)
        if not kept.session or (isinstance(shell, _Shell) and shell.name == kept.session):
            return shell if isinstance(shell, _Shell) else None
        if shell is not None:
            shell.close()
        raise ShellError(
            "The session that the details name has ended: the execution has waited or was paused "
            "meanwhile, or went to another worker, or a command failed. Details without Session "
            'begin a new one, as those of without(Details, "Session").'
        )


class _Shell:
    """A shell that is open, and the event loop in which its connection lives."""

    def __init__(self, session: "_Session", connection: socket.socket) -> None:
        self.name = uuid4().hex
        self._session = session
        self._connection = connection
        self._loop = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._process: Any = None

    def say(self, terminal: Terminal, command: str, until: float) -> Dialogue:
        """Return what a command answers, and for the first one how the server welcomes."""
        return self._loop.run(self._say(terminal, command, until))

    async def _say(self, terminal: Terminal, command: str, until: float) -> Dialogue:
        welcome = ""
        async with asyncio.timeout(until - time.monotonic()):
            if self._process is None:
                self._process = await self._session.begin(self._stack, self._connection, terminal)
                welcome = await _until_ready(self._process, terminal)
            self._process.stdin.write(command + terminal.end_of_line)
            return Dialogue(welcome, await _until_ready(self._process, terminal))

    def close(self) -> None:
        """End the session; it may be broken."""
        try:
            with suppress(Exception):
                self._loop.run(asyncio.wait_for(self._stack.aclose(), _CLOSING_SECONDS))
        finally:
            self._loop.close()
            self._connection.close()


@dataclass(slots=True)
class _Session:
    """How a session begins, and whether its server is the right one."""

    ssh: Any
    server: SshServer
    known_hosts: Path | None
    until: float
    #: The fingerprint of a host key that was refused.
    seen: str = ""

    async def begin(
        self, stack: AsyncExitStack, connection: socket.socket, terminal: Terminal
    ) -> Any:
        """Return the process of a shell, which ends with the stack."""
        address = str(connection.getpeername()[0])
        try:
            client = await stack.enter_async_context(await self._connected(connection, address))
        except self.ssh.HostKeyNotVerifiable:
            raise ShellError(self._unknown()) from None
        process = await client.create_process(
            term_type=terminal.kind,
            term_size=(terminal.width, 24),
            encoding="utf-8",
            errors="replace",
            stderr=self.ssh.STDOUT,
        )
        return await stack.enter_async_context(process)

    async def _connected(self, connection: socket.socket, address: str) -> Any:
        server = self.server
        key = server.private_key
        keys = [self.ssh.import_private_key(key, server.password or None)] if key else None
        twin = connection.dup()  # the connection's own is closed by whoever made it
        twin.setblocking(False)
        return await self.ssh.connect(
            server.host,
            server.port,
            sock=twin,
            config=None,
            username=server.user,
            password=None if keys else server.password,
            client_keys=keys,
            agent_path=None,
            gss_host=None,
            x509_trusted_certs=None,
            known_hosts=([], [], []),
            preferred_auth="publickey" if keys else "password,keyboard-interactive",
            client_factory=lambda: _checking(self, address),
            login_timeout=max(1.0, self.until - time.monotonic()),
        )

    def trusts(self, address: str, key: Any) -> bool:
        """Return whether a host key is the server's."""
        self.seen = key.get_fingerprint()
        if wanted := self.server.host_key:
            return wanted == self.seen or self._public(wanted) == key.public_data
        if self.known_hosts is not None:
            known = self.ssh.read_known_hosts(str(self.known_hosts))
            trusted, *_ = known.match(self.server.host, address, self.server.port)
            return any(one.public_data == key.public_data for one in trusted)
        # Nobody stands between this machine and itself.
        return ipaddress.ip_address(address).is_loopback

    def _public(self, text: str) -> bytes:
        try:
            return bytes(self.ssh.import_public_key(text).public_data)
        except self.ssh.KeyImportError:
            return b""

    def _unknown(self) -> str:
        return (
            f"The key of {self.server.host}:{self.server.port} is not known: {self.seen}. Write it "
            "as HostKey of the Ssh Session Details if it is the right one."
        )


def _checking(session: _Session, address: str) -> Any:
    """Return a client that checks the host key."""

    class Client(session.ssh.SSHClient):  # type: ignore[misc, name-defined]
        def validate_host_public_key(self, host: str, addr: str, port: int, key: Any) -> bool:
            return session.trusts(address, key)

    return Client()


async def _until_ready(process: Any, terminal: Terminal) -> str:
    """Return what a shell writes until it waits for a command. Raises NoPrompt."""
    try:
        async with asyncio.timeout(terminal.timeout):
            return await _output(process, terminal)
    except TimeoutError:
        _cancel(process, terminal)
        raise NoPrompt(f"The prompt did not come within {terminal.timeout:g} seconds.") from None
    except NoPrompt:
        _cancel(process, terminal)
        raise


async def _output(process: Any, terminal: Terminal) -> str:
    text = ""
    while not process.stdout.at_eof():
        try:
            async with asyncio.timeout(_QUIET if terminal.is_ready(text) else None):
                text += str(await process.stdout.read(_CHUNK))
        except TimeoutError:
            return text
        if len(text) > SHELL_CHARACTERS:
            raise NoPrompt(f"The shell wrote more than {SHELL_CHARACTERS:,} characters.")
    raise NoPrompt("The shell ended before its prompt came.")


def _cancel(process: Any, terminal: Terminal) -> None:
    with suppress(OSError):  # it may have ended
        process.stdin.write(terminal.cancel)
