"""Keep control: go on debugging although somebody has asked to take over."""

from executions.commands.command import Command, DebugLeaseRule
from executions.commands.debugging.hand_over import lock_request
from executions.commands.request import Changes, CommandRequest
from executions.states import LIVE
from executions.store.debug import debug_lease


def execute(request: CommandRequest) -> Changes | None:
    lease = lock_request(request)
    event = (
        debug_lease.decline_transfer(request.execution.pk, request.user.pk or 0) if lease else None
    )
    return Changes([event], f"from {lease.asker}") if lease and event else None


COMMAND = Command(
    name="keep-control",
    summary="Go on debugging although somebody has asked to take over.",
    past="kept",
    icon="user",
    applies_to=LIVE,
    execute=execute,
    lease=DebugLeaseRule.CHANGES,
)
