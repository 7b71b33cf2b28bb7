"""Release: stop debugging an execution, so that others can debug it.

Unlike Detach, this keeps its breakpoints, and what is paused stays paused. A person who has asked
to take over, and still may debug it, takes over.
"""

from executions import access
from executions.commands.command import Command, DebugLeaseRule
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.states import LIVE
from executions.store.debug import debug_lease
from executions.store.lifecycle import transitions


def execute(request: CommandRequest) -> Changes | None:
    family = transitions.lock_family(request.execution.pk, tasks=True)
    lease = debug_lease.lock(request.execution.pk)
    if lease.ended:
        return None
    if lease.holder_id is None or lease.holder_id != request.user.pk:
        raise CommandRefused("You aren't debugging this.")
    next_id, name = access.next_debugger(lease.asker_id, lease.asker, request.execution)
    changed = debug_lease.transfer(family, lease.holder_id, next_id, name)
    return Changes(changed, f"to {name}" if next_id else "")


COMMAND = Command(
    name="release",
    summary="Stop debugging, so that others can. A person who has asked takes over.",
    details="Breakpoints stay, and what is paused stays paused.",
    past="released",
    icon="x",
    applies_to=LIVE,
    execute=execute,
    lease=DebugLeaseRule.CHANGES,
)
