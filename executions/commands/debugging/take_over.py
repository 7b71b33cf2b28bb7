"""Take over: debug an execution in place of whoever debugs it now.

It succeeds at once when nobody debugs the execution, or that person has left. Otherwise they are
asked: they hand over or keep control. Without an answer, `executions.control_transfer` transfers
the lease.
"""

from executions import presence
from executions.commands.command import Command, DebugLeaseRule
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.limits import DEBUG_TRANSFER_ANSWER_SECONDS
from executions.states import LIVE
from executions.store.debug import debug_lease
from executions.store.lifecycle import transitions


def execute(request: CommandRequest) -> Changes | None:
    if request.user.pk is None:
        raise CommandRefused("Sign in to debug.")
    key = request.execution.pk
    family = transitions.lock_family(key, tasks=True)
    lease = debug_lease.lock(key)
    if lease.ended:
        return None
    if lease.holder_id is None:
        return Changes(
            debug_lease.transfer(family, None, request.user.pk, request.user.get_username())
        )
    if lease.holder_id == request.user.pk:
        raise CommandRefused("You're already debugging this.")
    if lease.asker_id not in (None, request.user.pk):
        raise CommandRefused(f"{lease.asker} has already asked {lease.holder} to hand over.")
    if presence.has_left(request.execution.root_id, lease.holder_id):
        name = request.user.get_username()
        changed = debug_lease.transfer(family, lease.holder_id, request.user.pk, name)
        return Changes(changed, f"from {lease.holder}, who had left")
    if lease.asker_id is not None:
        raise CommandRefused(f"You have already asked {lease.holder}. Wait for an answer.")
    event = debug_lease.request_transfer(key, request.user)
    detail = f"asked {lease.holder}; without an answer, in {DEBUG_TRANSFER_ANSWER_SECONDS:.0f} s"
    return Changes([event], detail) if event else None


COMMAND = Command(
    name="take-over",
    summary="Debug the execution in place of the person who debugs it now.",
    details=(
        "It succeeds at once when nobody debugs it, or that person has left. Otherwise they are "
        "asked. Without an answer, you take over."
    ),
    past="taken over",
    icon="bug",
    applies_to=LIVE,
    execute=execute,
    debugs=True,
    lease=DebugLeaseRule.IGNORES,
)
