"""Release: nobody debugs it any longer, and anybody may; unlike after a detach, its breakpoints
stay and what is paused stays paused. Whoever has asked for it, and still may, gets it."""

from executions import access
from executions.commands.command import Command, Lease
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.states import LIVE
from executions.store.debug import debug_lease
from executions.store.lifecycle import transitions


def execute(request: CommandRequest) -> Changes | None:
    family = transitions.lock_family(request.execution.pk, tasks=True)
    control = debug_lease.lock(request.execution.pk)
    if control.ended:
        return None
    if control.holder_id is None or control.holder_id != request.user.pk:
        raise CommandRefused("You don't debug it.")
    initiator_id = request.execution.initiator_id
    next_id, name = access.next_debugger(control.asker_id, control.asker, initiator_id)
    changed = debug_lease.pass_on(family, control.holder_id, next_id, name)
    return Changes(changed, f"to {name}" if next_id else "")


COMMAND = Command(
    name="release",
    summary="Stop debugging it, and let anybody debug it, or whoever has asked.",
    details="Breakpoints stay, and what is paused stays paused.",
    past="released",
    icon="x",
    applies_to=LIVE,
    execute=execute,
    lease=Lease.CHANGES,
)
