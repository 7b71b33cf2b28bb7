"""Limits how many passwords are hashed at once: each keeps a core busy for a while, by design."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection

#: How many passwords one process hashes at once. The other cores serve everything else.
AT_ONCE = max(1, (os.cpu_count() or 2) // 2)

_turns = BoundedSemaphore(AT_ONCE)


class BoundedHasher(PBKDF2PasswordHasher):
    """Django's first hasher, which waits for its turn whenever a password is checked or set."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with _turn():
            return super().encode(password, salt, iterations)


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(blocking=False):
        # Whoever waits here keeps no connection of the pool from the others.
        if not connection.in_atomic_block:
            connection.close()
        _turns.acquire()
    try:
        yield
    finally:
        _turns.release()
