"""Sessions with servers that a block leaves open for the blocks after it (Close Session: false)."""

import time
from collections.abc import Hashable
from contextlib import suppress
from typing import Protocol

from executions.limits import OPEN_SESSIONS, SESSION_HOLDS_WORKER_SECONDS


class OpenSession(Protocol):
    """A session that is open."""

    def close(self) -> None:
        """End it; it may be broken."""


class Sessions:
    """The sessions that one execution holds open while it stays on its worker.

    They belong to the process: an execution that parks, pauses or goes to another worker loses
    them.
    """

    __slots__ = ("_kept", "_open")

    def __init__(self) -> None:
        self._open: dict[Hashable, OpenSession] = {}
        self._kept = 0.0

    def take(self, key: Hashable) -> OpenSession | None:
        """Return the open session of that key, which is whoever takes it to keep or to close."""
        return self._open.pop(key, None)

    def keep(self, key: Hashable, session: OpenSession) -> None:
        """Keep a session open. Beyond OPEN_SESSIONS the one that was kept first is closed."""
        self._open[key] = session
        self._kept = time.monotonic()
        while len(self._open) > OPEN_SESSIONS:
            _close(self._open.pop(next(iter(self._open))))

    @property
    def hold_worker(self) -> bool:
        """Whether the execution should stay on its worker, though others wait for one: a session
        was used a short time ago."""
        return bool(self._open) and time.monotonic() - self._kept < SESSION_HOLDS_WORKER_SECONDS

    def close(self) -> None:
        """Close them all."""
        while self._open:
            _close(self._open.popitem()[1])


def _close(session: OpenSession) -> None:
    with suppress(Exception):  # it may be broken in any way that a library knows
        session.close()
