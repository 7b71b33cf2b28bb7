"""Running executions in this process, to their end, as workers and the scheduler would."""

import time
from uuid import UUID

from executions import recovery, runner
from executions.models import Execution
from executions.states import Status


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
