"""Hand over: let the person who has asked take over debugging."""

from executions import access
from executions.commands.command import Command, DebugLeaseRule
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.states import LIVE
from executions.store.debug import debug_lease
from executions.store.lifecycle import transitions


def execute(request: CommandRequest) -> Changes | None:
    family = transitions.lock_family(request.execution.pk, tasks=True)
    lease = lock_request(request)
    if lease is None:
        return None
    if access.next_debugger(lease.asker_id, lease.asker, request.execution)[0] is None:
        raise CommandRefused(
            f"{lease.asker} may no longer debug this. Keep control, or release it."
        )
    changed = debug_lease.transfer(family, lease.holder_id, lease.asker_id, lease.asker)
    return Changes(changed, f"to {lease.asker}")


def lock_request(request: CommandRequest) -> debug_lease.DebugLease | None:
    """The lease of the execution, locked, which the user holds and somebody else has asked for."""
    lease = debug_lease.lock(request.execution.pk)
    if lease.ended:
        return None
    if lease.holder_id is None or lease.holder_id != request.user.pk:
        raise CommandRefused("You aren't debugging this.")
    if lease.asker_id is None:
        raise CommandRefused("Nobody has asked to take over.")
    return lease


COMMAND = Command(
    name="hand-over",
    summary="Let the person who has asked take over.",
    past="handed over",
    icon="user",
    applies_to=LIVE,
    execute=execute,
    lease=DebugLeaseRule.CHANGES,
)
