"""Connections to servers at public addresses and those that are allowed, and to no others.

The address that is checked is the one that is used, so that a name cannot resolve to another one in
between.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from math import inf

from executions.effects.addresses import Networks, is_allowed
from executions.limits import SESSION_TIMEOUT


class HostRefused(OSError):
    """A host that has no address, or none that may be reached."""


def addresses_of(host: str, port: int, allowed: Networks) -> list[str]:
    """Return the IP addresses of a host that may be reached. Raises HostRefused where there are
    none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise HostRefused(f"{host} is not known: {error}") from None
    addresses = [ipaddress.ip_address(str(at[0]).partition("%")[0]) for *_, at in found]
    reachable = [str(one) for one in addresses if is_allowed(one, allowed)]
    if addresses and not reachable:
        raise HostRefused(
            f"{addresses[0]} is a private address; HTTP_PRIVATE_ADDRESSES does not allow it"
        )
    return reachable


@cache
def _authorities() -> ssl.SSLContext:
    """Return what TLS trusts: the authorities of the machine. To read them takes a while."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Network:
    """What may be reached, and until when, on the monotonic clock; `trusted` are other authorities
    than the machine's."""

    allowed: Networks = ()
    until: float = inf
    trusted: ssl.SSLContext | None = None

    @property
    def tls(self) -> ssl.SSLContext:
        """Return what TLS trusts."""
        return self.trusted or _authorities()

    def deadline(self) -> float:
        """Return the moment at which a session that begins now has to end."""
        return min(self.until, time.monotonic() + SESSION_TIMEOUT)

    def connect(self, host: str, port: int, until: float) -> socket.socket:
        """Return a connection. Raises HostRefused, TimeoutError and other OSErrors."""
        problem: OSError = HostRefused(f"{host} has no address")
        for address in addresses_of(host, port, self.allowed):
            try:
                left = max(0.001, until - time.monotonic())
                return socket.create_connection((address, port), timeout=left)
            except OSError as error:
                problem = error
        raise problem


@contextmanager
def ending_at(connection: socket.socket, until: float) -> Iterator[None]:
    """End a connection at a moment, whoever reads or writes it then: a timeout for each operation
    alone would let an answer that comes byte by byte take for ever."""
    twin = connection.dup()
    timer = threading.Timer(max(0.0, until - time.monotonic()), _shut_down, [twin])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        twin.close()


def _shut_down(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
