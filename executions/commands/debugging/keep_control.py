"""Keep control: keep debugging an execution for which somebody else has asked."""

from executions.commands.command import Command, Lease
from executions.commands.debugging.hand_over import lock_request
from executions.commands.request import Changes, CommandRequest
from executions.states import LIVE
from executions.store.debug import debug_lease


def execute(request: CommandRequest) -> Changes | None:
    lease = lock_request(request)
    event = debug_lease.decline(request.execution.pk, request.user.pk or 0) if lease else None
    return Changes([event], f"from {lease.asker}") if lease and event else None


COMMAND = Command(
    name="keep-control",
    summary="Keep debugging it although somebody has asked for it.",
    past="kept",
    icon="user",
    applies_to=LIVE,
    execute=execute,
    lease=Lease.CHANGES,
)
