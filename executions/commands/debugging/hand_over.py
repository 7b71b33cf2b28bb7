"""Hand over: let whoever has asked debug the execution from now on."""

from executions import access
from executions.commands.command import Command, Lease
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.states import LIVE
from executions.store.debug import debug_lease
from executions.store.lifecycle import transitions


def execute(request: CommandRequest) -> Changes | None:
    family = transitions.lock_family(request.execution.pk, tasks=True)
    control = lock_request(request)
    if control is None:
        return None
    if (
        access.next_debugger(control.asker_id, control.asker, request.execution.initiator_id)[0]
        is None
    ):
        raise CommandRefused(f"{control.asker} may no longer debug it; keep it, or release it.")
    changed = debug_lease.pass_on(family, control.holder_id, control.asker_id, control.asker)
    return Changes(changed, f"to {control.asker}")


def lock_request(request: CommandRequest) -> debug_lease.DebugLease | None:
    control = debug_lease.lock(request.execution.pk)
    if control.ended:
        return None
    if control.holder_id is None or control.holder_id != request.user.pk:
        raise CommandRefused("You don't debug it.")
    if control.asker_id is None:
        raise CommandRefused("Nobody has asked for it.")
    return control


COMMAND = Command(
    name="hand-over",
    summary="Let whoever has asked debug it from now on.",
    past="handed over",
    icon="user",
    applies_to=LIVE,
    execute=execute,
    lease=Lease.CHANGES,
)
