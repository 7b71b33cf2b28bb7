"""What bounds a process of a worker's pool: an alarm by which the block under way must be done, and
memory.

The kernel ends the process when the alarm goes off, also in the middle of native code that never
comes back to Python; Celery's main process, which starts another, tells `executions.tasks`.
"""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from billiard import current_process

from executions.limits import WORKER_MEMORY_BYTES
from flows import value_sources

#: The process for which the alarm is there; any other one may not be ended by it.
_bounded: int | None = None


def limit_process(**_: object) -> None:
    """Bound this process, when it is one that Celery's main process replaces."""
    global _bounded
    if current_process().name == "MainProcess":
        return  # a pool that runs tasks in the worker itself: to end it would end the worker
    _bounded = os.getpid()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    value_sources.evaluate_by(None)
    if WORKER_MEMORY_BYTES:
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (WORKER_MEMORY_BYTES, hard))


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """End this process when what is inside takes longer."""
    if _bounded != os.getpid():
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def killed_by_alarm(problem: BaseException) -> bool:
    """Whether that with which Celery's main process reports a dead process was the alarm."""
    return "SIGALRM" in str(problem)
