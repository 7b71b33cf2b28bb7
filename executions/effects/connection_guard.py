"""Keeps a library that makes connections of its own to the addresses that HTTP blocks may reach.

Python tells audit hooks of each connection with the address that it goes to, after names have been
resolved: the address that is checked is the one that is used, also after a redirect, and when a
name has come to mean another address meanwhile.
"""

import ipaddress
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import inf
from typing import Any

from executions.effects.addresses import Networks, is_allowed

#: What connects, or sends without a connection.
_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
#: What would go on outside of the thread that is guarded.
_ESCAPES = frozenset(
    {
        "_thread.start_new_thread",
        "_thread.start_joinable_thread",
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "ctypes.dlopen",
    }
)


_ESCAPED = "it would start another thread or program, which is not allowed"


class ConnectionRefused(OSError):
    """Something that the guard does not allow."""


class _Guard(threading.local):
    #: The private networks that this thread may reach; None where it is not guarded.
    allowed: Networks | None = None
    #: What it was refused, in words.
    refused: list[str]
    #: The connections that it has made, where they are to end in time.
    twins: "Twins | None" = None


_guard = _Guard()
_is_installed = False
_install_lock = threading.Lock()


class Twins:
    """The connections that a driver has made under the guard, for as long as they are in use."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def add(self, connection: socket.socket) -> None:
        self._sockets.append(socket.socket(fileno=os.dup(connection.fileno())))

    def end(self) -> None:
        """End what is read from them. A driver may still say that it goes, and so closes
        cleanly."""
        for twin in self._sockets:
            with suppress(OSError):
                twin.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Let go of them; the driver has its own hold."""
        while self._sockets:
            self._sockets.pop().close()


@contextmanager
def guarded(
    allowed: Networks, until: float = inf, twins: Twins | None = None
) -> Iterator[list[str]]:
    """Let this thread connect to public addresses and those of `allowed` only, and start no other
    threads and programs. What it may not do raises ConnectionRefused where it is tried, and stands
    in the list that is given. Whatever reads from its connections meets their end at `until`, on
    the monotonic clock; so do the connections of `twins`, which are the caller's to close."""
    _install()
    with _ending(until, twins) as ending:
        _guard.allowed, _guard.refused, _guard.twins = allowed, [], ending
        try:
            yield _guard.refused
        finally:
            _guard.allowed = _guard.twins = None


@contextmanager
def _ending(until: float, twins: Twins | None) -> Iterator[Twins | None]:
    """End what is read from the connections that are given at a moment."""
    if until == inf:
        yield twins
        return
    mine = Twins() if twins is None else twins
    timer = threading.Timer(max(0.0, until - time.monotonic()), mine.end)
    timer.daemon = True
    timer.start()
    try:
        yield mine
    finally:
        timer.cancel()
        timer.join()
        if twins is None:
            mine.close()


def _install() -> None:
    """Install the hook, which stays for good, at the first use: every process would pay for it."""
    global _is_installed
    with _install_lock:
        if not _is_installed:
            sys.addaudithook(_hook)
            # Python tells hooks of threads since 3.12 only.
            threading.Thread.start = _start  # type: ignore[method-assign, assignment]
            _is_installed = True


_start_thread = threading.Thread.start


def _start(thread: threading.Thread) -> None:
    if _guard.allowed is not None:
        _refuse(_ESCAPED)
    _start_thread(thread)


def _hook(event: str, arguments: tuple[Any, ...], guard: _Guard = _guard) -> None:
    # The guard is bound: the hook is called still when Python ends and has emptied this module.
    allowed = guard.allowed
    if allowed is None:
        return
    if event in _CONNECTS:
        _check(arguments[1] if len(arguments) > 1 else None, allowed)
        if guard.twins is not None:
            guard.twins.add(arguments[0])
    elif event in _ESCAPES:
        _refuse(_ESCAPED)


def _check(address: Any, allowed: Networks) -> None:
    if address is None:
        return  # of a socket that is connected
    host = address[0] if isinstance(address, tuple) and address else ""
    try:
        ip = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        # A name, which would be resolved after this check, or a socket of this machine.
        _refuse(f"{host or address!r} is no address on the network")
        return
    if not is_allowed(ip, allowed):
        _refuse(f"{ip} is a private address; HTTP_PRIVATE_ADDRESSES does not allow it")


def _refuse(why: str) -> None:
    _guard.refused.append(why)
    raise ConnectionRefused(why)
