"""Force stop: stop at once, and end the task of the worker that holds the execution.

It is for a block that does not return. What the block has done outside stays done.
"""

from executions.commands.command import Bulk, Command, DebugLeaseRule, Effect
from executions.commands.request import Changes, CommandRequest
from executions.completion import after_end
from executions.dispatch import kill_task
from executions.states import LIVE
from executions.store.lifecycle import transitions


def execute(request: CommandRequest) -> Changes | None:
    transitions.lock_family(request.execution.pk)  # in the order in which an end locks them
    stopped = transitions.force_stop(request.execution.pk)
    if stopped is None:
        return None
    event, holder = stopped
    task_id = holder.rpartition(":")[2]
    if task_id:
        kill_task(task_id)
    return Changes([event, *after_end(event)], "its worker's task was ended" if task_id else "")


COMMAND = Command(
    name="force-stop",
    summary="Stop at once, and end the worker's task, for a block that does not return.",
    past="force-stopped",
    icon="stop",
    applies_to=LIVE,
    execute=execute,
    effect=Effect.ENDS,
    lease=DebugLeaseRule.IGNORES,
    menu=10,
    warning=(
        "A block that is running is cut off where it stands. What it has done outside stays done. "
        "Stop waits for the block instead."
    ),
    bulk=Bulk.SELECTED,
)
