"""What expressions get from whoever evaluates them: the time, and new ids.

The engine supplies the time at which a block was entered, and ids that follow from the execution
and the step, so that a step that runs again after a crash gets the same ids. Elsewhere they are the
time of the clock and random ids.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol
from uuid import NAMESPACE_OID, uuid4, uuid5


class Supply(Protocol):
    """Who says what time it is and what the next id is, and learns of secret texts."""

    def expression_time(self) -> datetime: ...

    def expression_uuid(self) -> str: ...

    def keep_secret(self, texts: Iterable[str]) -> None: ...


class Clock:
    """The time of the clock and random ids. `used` says whether one was asked for."""

    def __init__(self) -> None:
        self.used = False

    def expression_time(self) -> datetime:
        self.used = True
        return datetime.now(UTC)

    def expression_uuid(self) -> str:
        self.used = True
        return str(uuid4())

    def keep_secret(self, texts: Iterable[str]) -> None:
        """Nothing is written down here."""


class _Current(threading.local):
    supply: Supply = Clock()


_current = _Current()


def current() -> Supply:
    """Return who supplies this thread's expressions."""
    return _current.supply


@contextmanager
def supplied_by(supply: Supply) -> Iterator[None]:
    """Have this thread's expressions supplied by `supply` meanwhile."""
    before, _current.supply = _current.supply, supply
    try:
        yield
    finally:
        _current.supply = before


def id_of(name: str) -> str:
    """Return the id that follows from a name."""
    return str(uuid5(NAMESPACE_OID, name))
