"""Limits the attempts to enter a password or a code, for each account and for each address.

Redis counts them before the password is checked, so that parallel attempts count too. An address
from which an account has signed in lately is counted separately for that account: a stranger who
guesses locks nobody out of their usual place.
"""

import hashlib
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from threading import BoundedSemaphore
from typing import Any, Literal

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.http import HttpRequest
from redis.exceptions import RedisError

from executions import audit
from executions.commands.actor import Actor, address_of

#: The most wrong passwords of one account, and from one address, in this many seconds.
OF_ACCOUNT, FROM_ADDRESS, WINDOW = 10, 30, 300
#: The most wrong codes of one account: there are a million codes, and three count at a time.
CODES_OF_ACCOUNT = 5
#: Seconds for which an address counts as one of an account's own.
OWN_ADDRESS = 30 * 86_400
#: The most passwords that wait in one process to be checked; further ones are refused.
WAITING = 10

_slots = BoundedSemaphore(WAITING)


@dataclass(frozen=True, slots=True)
class PasswordAttempt:
    """An attempt to enter a secret of an account: its password or, counted separately, a code of
    its second factor. A passkey is no account's until it is verified, so only addresses count.
    `command` and `source` are for the audit."""

    name: str
    address: str | None
    command: str
    source: str
    kind: Literal["password", "code", "passkey", "mail"] = "password"

    @classmethod
    def of(
        cls, name: str, request: HttpRequest, command: str, source: str, **more: Any
    ) -> "PasswordAttempt":
        return cls(name, address_of(request), command, source, **more)

    def begin(self) -> int:
        """Count the attempt. Return the seconds to wait, or 0; the first refusal is audited."""
        now, cache = time.time(), _cache()
        own = self._network if cache.get(self._own_address) else ""
        limits = {self._from(now): FROM_ADDRESS}
        if self.name:
            of_account = CODES_OF_ACCOUNT if self.kind == "code" else OF_ACCOUNT
            limits[self._of_account(now, own)] = of_account
        counts = [(_count(cache, key), limit) for key, limit in limits.items()]
        over = [count - limit for count, limit in counts if count > limit]
        if 1 in over:
            self._audit(done=False, detail="too many attempts")
        return math.ceil(WINDOW - now % WINDOW) if over else 0

    def failed(self, detail: str) -> None:
        self._audit(done=False, detail=detail)

    def succeeded(self, user: Any) -> None:
        self._audit(done=True, user_id=user.pk)

    def forget(self) -> None:
        """Reset the counts after a right password, and remember the address for the account."""
        now, cache = time.time(), _cache()
        cache.set(self._own_address, 1, OWN_ADDRESS)
        cache.delete_many([self._of_account(now, own) for own in ("", self._network)])
        with suppress(ValueError):  # counted in the window before
            cache.decr(self._from(now))

    def _of_account(self, now: float, own: str) -> str:
        """Return the key of the account's count: of all strangers, or of an address of its own."""
        return f"attempts:{self.kind}:{_digest(self.name)}:{own}:{_window(now)}"

    def _from(self, now: float) -> str:
        return f"attempts:address:{self._network}:{_window(now)}"

    @property
    def _own_address(self) -> str:
        return f"attempts:own:{_digest(self.name)}:{self._network}"

    @property
    def _network(self) -> str:
        """Return the address; for IPv6, where one person has billions, the network."""
        if self.address is None:
            return "none"
        found = ip_address(self.address)
        if found.version == 4:
            return self.address
        return ip_network((found, 64), strict=False).network_address.compressed

    def _audit(self, *, done: bool, detail: str = "", user_id: int | None = None) -> None:
        actor = Actor(user_id, self.name, self.source, self.address)
        audit.record(actor, self.command, done=done, detail=detail)


@contextmanager
def password_slot() -> Iterator[bool]:
    """Take a place in the queue for password checks; give False when it is full."""
    taken = _slots.acquire(blocking=False)
    try:
        yield taken
    finally:
        if taken:
            _slots.release()


def _cache() -> BaseCache:
    """Return the cache in Redis; while Redis does not answer or is full, one of this process."""
    try:
        caches["default"].set("attempts:probe", 1, WINDOW)
    except RedisError:
        return caches["local"]
    return caches["default"]


def _count(cache: BaseCache, key: str) -> int:
    cache.add(key, 0, 2 * WINDOW)
    return int(cache.incr(key))


def _window(now: float) -> int:
    return int(now // WINDOW)


def _digest(name: str) -> str:
    """Return a name as part of a key: names may have any length and contain anything."""
    return hashlib.sha256(name.casefold().encode("utf-8", "replace")).hexdigest()[:32]
