"""Passwords are hashed a few at a time: each takes a core for a good while, by intention."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection

#: Passwords that one process hashes at once. The other cores are for everything else.
AT_ONCE = max(1, (os.cpu_count() or 2) // 2)

_turns = BoundedSemaphore(AT_ONCE)


class BoundedHasher(PBKDF2PasswordHasher):
    """Django's first hasher, which waits for its turn: wherever a password is checked or set."""

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
