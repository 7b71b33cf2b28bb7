"""Running executions in this process, a turn at a time or to their end, as workers and the
scheduler would."""

import time
from typing import Any
from uuid import UUID

from django.db import connection

from executions import recovery, runner
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import Execution
from executions.states import Status
from flows import values
from flows.models import FlowVersion

ACTOR = Actor(user_id=None, name="tester", source="command line")


def begin(version: FlowVersion, *, paused: bool = False, **inputs: Any) -> Execution:
    return start(version, inputs, ACTOR, Execution.Trigger.COMMAND_LINE, paused=paused)


def fresh(execution: Execution) -> Execution:
    execution.refresh_from_db()
    return execution


def outputs(execution: Execution) -> Any:
    return values.decode(fresh(execution).outputs)


def expire_leases() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE executions_execution SET lease_expires_at = now() - interval '1 second' "
            "WHERE lease_expires_at IS NOT NULL"
        )


def drive(execution_id: UUID, seconds: float = 30) -> Execution:
    """Run everything that is Queued, and recover, until the execution has ended."""
    deadline = time.monotonic() + seconds
    while True:
        queued = Execution.objects.filter(status=Status.QUEUED).values_list("pk", flat=True)
        for pk in list(queued):
            runner.run(pk)
        recovery.recover()
        execution = Execution.objects.get(pk=execution_id)
        if Status(execution.status).is_terminal:
            return execution
        assert time.monotonic() < deadline, f"{execution} is still {execution.status}"
        time.sleep(0.01)
