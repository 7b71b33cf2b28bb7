"""Shells on other machines by SSH (the extra `ssh`)."""

import asyncio
import ipaddress
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from executions.effects.connections import Network
from executions.limits import SHELL_CHARACTERS
from flows.blocks.shell import Dialogue, NoPrompt, ShellError, SshServer, Terminal

#: Seconds without more output after which a prompt counts as one: output may look like it.
_QUIET = 0.15
_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class SshShells:
    """`flows.blocks.shell.ShellClient` over a network. `known_hosts` is a file of OpenSSH's."""

    network: Network
    known_hosts: Path | None = None

    def run(self, server: SshServer, terminal: Terminal, command: str) -> Dialogue:
        """Run a command in a shell of its own. Raises ShellError and NoPrompt."""
        try:
            import asyncssh  # noqa: PLC0415 - an extra
        except ImportError:
            raise ShellError("SSH is not installed: install the extra `ssh`.") from None
        until = self.network.deadline()
        at = f"{server.host}:{server.port}"
        try:
            with self.network.connect(server.host, server.port, until) as connection:
                return asyncio.run(
                    _Session(asyncssh, server, self.known_hosts, until).run(
                        connection, terminal, command
                    )
                )
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


@dataclass(slots=True)
class _Session:
    """One session, from its connection to its end."""

    ssh: Any
    server: SshServer
    known_hosts: Path | None
    until: float
    #: The fingerprint of a host key that was refused.
    seen: str = ""

    async def run(self, connection: socket.socket, terminal: Terminal, command: str) -> Dialogue:
        address = str(connection.getpeername()[0])
        async with asyncio.timeout(self.until - time.monotonic()):
            try:
                client = await self._connected(connection, address)
            except self.ssh.HostKeyNotVerifiable:
                raise ShellError(self._unknown()) from None
            async with client:
                process = await client.create_process(
                    term_type=terminal.kind,
                    term_size=(terminal.width, 24),
                    encoding="utf-8",
                    errors="replace",
                    stderr=self.ssh.STDOUT,
                )
                async with process:
                    welcome = await _until_ready(process, terminal)
                    process.stdin.write(command + terminal.end_of_line)
                    return Dialogue(welcome, await _until_ready(process, terminal))

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
