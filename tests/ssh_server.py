"""An SSH server on loopback, whose shells are real ones in terminals of their own."""

import asyncio
import os
import pty
import signal
import subprocess
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import asyncssh

from tests.receivers import PASSWORD, USER

PROMPT = f"{USER}@test:~$ "


@dataclass
class SshHost:
    """A server: its port, its key, and the private key with which USER may sign in."""

    port: int
    host_key: Any
    user_key: Any

    @property
    def fingerprint(self) -> str:
        return str(self.host_key.get_fingerprint())


class _Server(asyncssh.SSHServer):  # type: ignore[misc]
    def __init__(self, user_key: Any) -> None:
        self.user_key = user_key

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: Any) -> bool:
        return username == USER and key.public_data == self.user_key.public_data


def _begin_session(terminal: int) -> None:
    """As sshd: the terminal is the shell's, and no signal is ignored because the tests ignore it,
    as they do in the background of a script."""
    for ignored in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_DFL)
    os.login_tty(terminal)


async def _shell(process: Any) -> None:
    """Join a client with a shell."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, process.term_size[0] or 80))
    child = subprocess.Popen(
        ["/bin/sh", "-i"],
        preexec_fn=lambda: _begin_session(slave),
        pass_fds=(slave,),
        env={
            "PATH": os.environ["PATH"],
            "PS1": PROMPT,
            "TERM": process.term_type,
            "LC_ALL": "C.UTF-8",
        },
    )
    os.close(slave)
    loop = asyncio.get_running_loop()

    def pump() -> None:
        try:
            process.stdout.write(os.read(master, 65536))
        except OSError:  # the shell has ended
            loop.remove_reader(master)
            process.exit(0)

    process.stdout.write(b"Welcome to test\r\n")
    loop.add_reader(master, pump)
    try:
        with suppress(asyncssh.Error, OSError):
            while data := await process.stdin.read(1000):
                os.write(master, data)
    finally:
        loop.remove_reader(master)
        child.kill()
        child.wait()
        os.close(master)


@contextmanager
def ssh_host() -> Iterator[SshHost]:
    """A server in a thread of its own."""
    keys = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(2)]
    started: list[int] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Server(keys[1]),
            server_host_keys=[keys[0]],
            process_factory=_shell,
            line_editor=False,
            encoding=None,
        )
        started.append(server.get_port())
        ready.set()
        await over.wait()
        server.close()
        await server.wait_closed()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(30)
    yield SshHost(started[0], *keys)
    loop.call_soon_threadsafe(over.set)
    thread.join(30)
    loop.close()
