"""Messages that name a Queued execution. One that is lost or doubled is harmless."""

import logging
from functools import partial
from uuid import UUID

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

TASK = "executions.tasks.run_execution"
logger = logging.getLogger(__name__)


def send(execution_id: UUID) -> None:
    """Once the transaction has committed, send the message that names an execution.

    A broker that cannot be reached is no error: recovery sends the message again.
    """
    transaction.on_commit(partial(_send, execution_id))


def end_task(task_id: str) -> None:
    """Once the transaction has committed, kill the worker process that runs a task.

    The pool starts another one. It needs a pool of processes (Celery's prefork, the default).
    """
    transaction.on_commit(partial(_end_task, task_id))


def _end_task(task_id: str) -> None:
    try:
        current_app.control.revoke(task_id, terminate=True, signal="SIGKILL")
    except OperationalError as error:
        logger.warning("The task %s could not be ended: %s", task_id, error)


def _send(execution_id: UUID) -> None:
    try:
        current_app.send_task(TASK, [str(execution_id)], retry=False)
    except OperationalError as error:
        logger.warning("The message for %s will be sent again: %s", execution_id, error)
