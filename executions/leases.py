"""Keeps a lease alive during an effect that may take longer."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, connection

from executions.limits import LEASE_SECONDS
from executions.store.lifecycle.claims import ClaimedExecution, renew

logger = logging.getLogger(__name__)


@contextmanager
def keep_alive(claimed: ClaimedExecution) -> Iterator[None]:
    """Renew the lease from a thread while the block runs."""
    done = threading.Event()
    thread = threading.Thread(target=_keep, args=(claimed, done), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _keep(claimed: ClaimedExecution, done: threading.Event) -> None:
    try:
        while not done.wait(LEASE_SECONDS / 3):
            try:
                renew(claimed)
            except Error as problem:
                # The next round tries again. A lease that is lost meanwhile is noticed at the end.
                logger.warning("The lease of %s was not renewed: %s", claimed.id, problem)
                connection.close()
    finally:
        connection.close()
