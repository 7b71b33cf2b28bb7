"""Messages that name a Queued execution. One that is lost or doubled is harmless."""

import logging
from functools import partial
from typing import Protocol
from uuid import UUID

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from executions.queues import queue_of

TASK = "executions.tasks.run_execution"
logger = logging.getLogger(__name__)


class Dispatchable(Protocol):
    """An execution, or an event of one."""

    @property
    def id(self) -> UUID | str: ...
    @property
    def initiator_id(self) -> int | None: ...
    @property
    def flow_name(self) -> str: ...


def enqueue(execution: Dispatchable, *, slice_used: bool = False) -> None:
    """Once the transaction has committed, send the message that names an execution, to the queue of
    who started it; `slice_used` when it comes from a worker that others wait for.

    A broker that cannot be reached is no error: recovery sends the message again.
    """
    queue = queue_of(execution.initiator_id, execution.flow_name, slice_used=slice_used)
    transaction.on_commit(partial(_send, str(execution.id), queue))


def kill_task(task_id: str) -> None:
    """Once the transaction has committed, kill the worker process that runs a task.

    The pool starts another one. It needs a pool of processes (Celery's prefork, the default).
    """
    transaction.on_commit(partial(_end_task, task_id))


def _end_task(task_id: str) -> None:
    try:
        current_app.control.revoke(task_id, terminate=True, signal="SIGKILL")
    except OperationalError as error:
        logger.warning("The task %s could not be ended: %s", task_id, error)


def _send(execution_id: str, queue: str) -> None:
    try:
        current_app.send_task(TASK, [execution_id], queue=queue, retry=False)
    except OperationalError as error:
        logger.warning("The message for %s will be sent again: %s", execution_id, error)
