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
    #: Twins of the sockets that it has connected, where they are to end in time.
    twins: list[socket.socket] | None = None


_guard = _Guard()
_is_installed = False
_install_lock = threading.Lock()


@contextmanager
def guarded(allowed: Networks, until: float = inf) -> Iterator[list[str]]:
    """Let this thread connect to public addresses and those of `allowed` only, and start no other
    threads and programs. What it may not do raises ConnectionRefused where it is tried, and stands
    in the list that is given. Whatever reads from its connections meets their end at `until`, on
    the monotonic clock."""
    _install()
    with _ending(until) as twins:
        _guard.allowed, _guard.refused, _guard.twins = allowed, [], twins
        try:
            yield _guard.refused
        finally:
            _guard.allowed = _guard.twins = None


@contextmanager
def _ending(until: float) -> Iterator[list[socket.socket] | None]:
    """End what is read from the sockets in the list that is given at a moment."""
    if until == inf:
        yield None
        return
    twins: list[socket.socket] = []
    timer = threading.Timer(max(0.0, until - time.monotonic()), _shut_down, [twins])
    timer.daemon = True
    timer.start()
    try:
        yield twins
    finally:
        timer.cancel()
        timer.join()
        for twin in twins:
            twin.close()


def _shut_down(twins: list[socket.socket]) -> None:
    for twin in twins:
        with suppress(OSError):
            # What is read ends. A driver may still say that it goes, and so closes cleanly.
            twin.shutdown(socket.SHUT_RD)


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
            guard.twins.append(socket.socket(fileno=os.dup(arguments[0].fileno())))
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
