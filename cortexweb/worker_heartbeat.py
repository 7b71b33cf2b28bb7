"""The heartbeat of a worker: its main process renews the worker's record (`executions.workers`)."""

import socket
import time
from typing import Any

from celery.worker.state import active_requests

from executions import workers


class Heartbeat:
    """The receivers of Celery's signals that keep the record of this worker."""

    def __init__(self) -> None:
        self._started_at = time.time()
        self._slots = 0
        self._queues: tuple[str, ...] = ()
        self._pool: Any = None

    def begin(self, sender: Any, **_: Any) -> None:
        """Learn what the worker consists of. `sender` is Celery's consumer, which is ready."""
        self._pool = sender.pool
        self._slots = sender.pool.num_processes
        self._queues = tuple(sorted(queue.name for queue in sender.task_consumer.queues))
        self._record(sender.hostname)

    def send(self, sender: Any, **_: Any) -> None:
        """Record that the worker is online. `sender` is Celery's own heartbeat."""
        if self._slots:
            self._record(sender.eventer.hostname)

    def end(self, sender: Any, **_: Any) -> None:
        """Delete the record: the worker ends as it should. `sender` is Celery's worker."""
        workers.forget(sender.hostname)

    def _processes(self) -> tuple[int, ...]:
        """Return the processes that run executions now; another one takes the place of one that
        dies."""
        return tuple(self._pool.info.get("processes", ()))

    def _record(self, name: str) -> None:
        workers.record(
            workers.Worker(
                name=name,
                slots=self._slots,
                busy=len(active_requests),
                queues=self._queues,
                started_at=self._started_at,
                seen_at=time.time(),
                machine=socket.gethostname(),
                processes=self._processes(),
            )
        )
