"""Giving an execution back when the runner, or the database, fails outside of its blocks.

The lease is given back at once, and what went wrong is kept beside what the execution was doing:
its worker has not died. Whoever claims it next writes each block down before the next, so that the
error is known to be that of one block, which then throws it. An execution whose exception cannot be
written down either ends in Error.
"""

import logging
import traceback
from typing import Any
from uuid import UUID

from django.db import Error, InterfaceError, OperationalError, connection, transaction

from executions import claiming
from executions.completion import after_end
from executions.dispatch import enqueue
from executions.engine.interpreter import Interpreter
from executions.engine.secrets import Secrets
from executions.models import ExceptionRecord, Execution, UncountedFailure
from executions.publishing import publish
from executions.states import Status
from executions.store import rows
from executions.store.lifecycle import failures, transitions
from executions.store.lifecycle.failures import Failure
from flows import values
from flows.blocks.errors import unexpected

logger = logging.getLogger(__name__)

#: Errors that say nothing about the execution: the database was away, or two transactions met.
_PASSING = (OperationalError, InterfaceError)


def give_back(
    execution_id: UUID, owner: str, problem: Exception, secrets: Secrets | None = None
) -> None:
    """Log what went wrong in a turn, and give the execution back to the queue. When the database
    cannot be reached, the lease runs out instead."""
    code = traceback.format_exc()
    if secrets is not None:
        code = secrets.redact_text(code)
    logger.error("The turn of %s failed outside of its blocks\n%s", execution_id, code.rstrip())
    try:
        if isinstance(problem, _PASSING):
            connection.close()
            failed_turn = None
        else:
            thrown = values.encode(unexpected(problem))
            failed_turn = {
                "exception": thrown,
                "traceback": values.storable(code)[-rows.TRACEBACK :],
            }
        _give_back(execution_id, owner, failed_turn)
    except Error as also:
        logger.warning("The lease of %s runs out by itself: %s", execution_id, also)


def _give_back(execution_id: UUID, owner: str, failed_turn: dict[str, Any] | None) -> None:
    with transaction.atomic():
        failure = None if failed_turn is None else _failure(execution_id, failed_turn)
        fingerprint = None if failure is None else failure.fingerprint
        changed = transitions.give_back(execution_id, owner, failed_turn, fingerprint)
        for event in list(changed):
            if event.status == Status.QUEUED:
                enqueue(event)
            elif event.status == Status.ERROR and failed_turn is not None:
                thrown = values.decode(failed_turn["exception"])
                ExceptionRecord.objects.create(
                    execution_id=execution_id,
                    step=event.step_count,
                    at=event.updated_at,
                    block=event.block,
                    type=thrown.type,
                    message=thrown.message,
                    data=failed_turn["exception"],
                    traceback=failed_turn["traceback"],
                )
                if failure is not None:
                    failures.add_group(execution_id, failure)
                if event.parent_id is not None:
                    UncountedFailure.objects.create(execution_id=execution_id)
        over = [event for event in changed if Status(event.status).is_terminal]
        publish([*changed, *after_end(*over)])
    for event in changed:
        claiming.worker_released(event)


def _failure(execution_id: UUID, failed_turn: dict[str, Any]) -> Failure | None:
    """Return what it has in common with the same failure elsewhere."""
    where = Execution.objects.filter(pk=execution_id).values_list("flow_name", "block").first()
    return where and Failure.of(*where, values.decode(failed_turn["exception"]))


def log_defects(execution_id: UUID, interpreter: Interpreter) -> None:
    """Log the tracebacks of the defects of blocks, before they are written down."""
    secrets = interpreter.secrets
    for thrown in interpreter.progress.thrown:
        if thrown.traceback:
            code = thrown.traceback.rstrip()
            logger.error(
                "%s of flow %s failed in %s\n%s",
                thrown.block,
                interpreter.graph.name,
                execution_id,
                code if secrets is None else secrets.redact_text(code),
                extra={"block": thrown.block},
            )
