"""Sends Celery messages for Queued executions. A lost or doubled message does no harm."""

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Protocol
from uuid import UUID

from celery import current_app
from django.db import transaction
from kombu.exceptions import BatchPublishError, OperationalError

from executions.queues import ALL, queue_of

TASK = "executions.tasks.run_execution"
#: Starts what chains say of executions that have ended.
START_CHAINED = "executions.tasks.start_chained"
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
    """Send the message of an execution once the transaction has committed, to the queue of its user
    and flow. `slice_used`: it gave up its worker because others wait.

    When the broker cannot be reached, recovery sends the message again.
    """
    queue = queue_of(execution.initiator_id, execution.flow_name, slice_used=slice_used)
    transaction.on_commit(partial(_send, str(execution.id), queue))


def enqueue_many(executions: Iterable[Dispatchable]) -> None:
    """Send the messages of executions together, as `enqueue` does one by one."""
    messages = [(str(one.id), queue_of(one.initiator_id, one.flow_name)) for one in executions]
    transaction.on_commit(partial(_send_many, messages))


def send_upkeep(task: str) -> None:
    """Send the message of a task without arguments that the scheduler sends too, to have it done at
    once."""
    try:
        current_app.send_task(task, queue="upkeep", retry=False)
    except OperationalError as error:
        logger.warning("%s comes with the scheduler: %s", task, error)


def kill_task(task_id: str) -> None:
    """Kill the worker process that runs a task, once the transaction has committed.

    The pool starts another process. This needs Celery's prefork pool, the default.
    """
    transaction.on_commit(partial(_end_task, task_id))


def queue_lengths() -> dict[str, int]:
    """Return how many messages wait in each queue of the broker. Raises OperationalError."""
    lengths = dict.fromkeys(ALL, 0)
    with current_app.connection_for_read() as connection:
        connection.ensure_connection(max_retries=1, timeout=2)
        channel = connection.channel()
        for name in ALL:
            try:
                lengths[name] = channel.queue_declare(queue=name, passive=True).message_count
            except connection.channel_errors:
                # There is no such queue yet. With AMQP, that closes the channel.
                channel = connection.channel()
    return lengths


def _end_task(task_id: str) -> None:
    try:
        current_app.control.revoke(task_id, terminate=True, signal="SIGKILL")
    except OperationalError as error:
        logger.warning("The task %s could not be killed: %s", task_id, error)


def _send(execution_id: str, queue: str) -> None:
    try:
        current_app.send_task(TASK, [execution_id], queue=queue, retry=False)
    except OperationalError as error:
        logger.warning("The message for %s will be sent again: %s", execution_id, error)


def _send_many(messages: Sequence[tuple[str, str]]) -> None:
    """Send ids to their queues, many in one round trip where the broker can take them so."""
    try:
        with current_app.producer_or_acquire() as producer, producer.batch():
            for execution_id, queue in messages:
                current_app.send_task(
                    TASK, [execution_id], queue=queue, retry=False, producer=producer
                )
    except (BatchPublishError, OperationalError) as error:
        # Some may have been sent: a doubled message does no harm.
        logger.warning("%d messages are sent one by one: %s", len(messages), error)
        for execution_id, queue in messages:
            _send(execution_id, queue)
