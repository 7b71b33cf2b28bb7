"""Delete: delete an execution that has ended, with all executions below it."""

from executions.commands.command import Bulk, Command, DebugLeaseRule, Effect
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.limits import DELETED_FAMILY
from executions.models import Execution
from executions.retention.deletion import delete_family
from executions.states import TERMINAL


def execute(request: CommandRequest) -> Changes:
    execution = Execution.objects.only("id", "parent_id").get(pk=request.execution.pk)
    if execution.parent_id is not None:
        raise CommandRefused("It has a parent. Delete the root, and what is below it goes with it.")
    deleted = delete_family(execution.pk)
    if not deleted:
        raise CommandRefused(
            "An execution below it has not ended, or there are more than "
            f"{DELETED_FAMILY:,}. Wait until all have ended, or leave it to retention."
        )
    below = f", with {deleted - 1:,} below it" if deleted > 1 else ""
    return Changes([], f"{execution.pk}{below}", deleted=True)


COMMAND = Command(
    name="delete",
    summary="Delete an execution that has ended, with all executions below it.",
    details="All of its family must have ended. The audit trail and the statistics stay.",
    past="deleted",
    icon="x",
    applies_to=TERMINAL,
    execute=execute,
    effect=Effect.ENDS,
    permission="executions.delete_execution",
    for_roots=True,
    lease=DebugLeaseRule.IGNORES,
    priority=1,
    warning="What has been deleted cannot be brought back.",
    bulk=Bulk.MATCHING,
)
