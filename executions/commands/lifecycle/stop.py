"""Stop: stop at once, or after the block that is running, with the children that it waits for."""

from collections.abc import Sequence
from uuid import UUID

from executions import completion
from executions.commands.command import Bulk, Command, DebugLeaseRule, Effect
from executions.commands.request import Changes, CommandRequest
from executions.events import ExecutionChanged
from executions.states import STOPPABLE


def execute(request: CommandRequest) -> Changes | None:
    changed = completion.stop(request.execution.pk)
    return None if changed is None else Changes(changed)


def execute_batch(ids: Sequence[UUID]) -> list[ExecutionChanged]:
    return completion.stop(*ids) or []


COMMAND = Command(
    name="stop",
    summary="Stop after the block that is running, with the children that it waits for.",
    details=("Without a worker the execution stops at once. Tasks that it started go on."),
    past="stopped",
    icon="stop",
    applies_to=STOPPABLE,
    execute=execute,
    effect=Effect.ENDS,
    lease=DebugLeaseRule.IGNORES,
    toolbar=60,
    key="S",
    priority=9,
    warning="What has been stopped cannot be continued.",
    bulk=Bulk.MATCHING,
    execute_batch=execute_batch,
)
