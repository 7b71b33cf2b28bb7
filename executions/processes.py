"""Limits a process of a worker's pool: its memory, and by an alarm the time of the current block.

The kernel kills the process when the alarm goes off, even in native code that never returns to
Python. Celery's main process starts another one, and tells `executions.tasks`.
"""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from billiard import current_process

from executions.limits import WORKER_MEMORY_BYTES
from flows import value_sources

#: The id of the process that the alarm may kill.
_limited_pid: int | None = None


def limit_process(**_: object) -> None:
    """Limit this process, if it is one that Celery's main process replaces."""
    global _limited_pid
    if current_process().name == "MainProcess":
        return  # the pool runs tasks in the worker itself: killing it would end the worker
    _limited_pid = os.getpid()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    value_sources.set_constant_evaluator(None)
    if WORKER_MEMORY_BYTES:
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (WORKER_MEMORY_BYTES, hard))


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Kill this process when the block takes longer."""
    if _limited_pid != os.getpid():
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def killed_by_alarm(problem: BaseException) -> bool:
    """Return whether the alarm killed the process that Celery's main process reports as lost."""
    return "SIGALRM" in str(problem)
