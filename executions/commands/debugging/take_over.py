"""Take over: debug in the place of whoever does.

What nobody debugs is taken at once, and so is what somebody debugs who has left. Who is there is
asked; they hand it over or keep it, and it goes over by itself when they don't answer
(`executions.control_transfer`).
"""

from executions import presence
from executions.commands.command import Command, Lease
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.limits import CONTROL_ANSWER_SECONDS
from executions.states import LIVE
from executions.store.debug import debug_lease
from executions.store.lifecycle import transitions


def execute(request: CommandRequest) -> Changes | None:
    if request.user.pk is None:
        raise CommandRefused("Only somebody who is signed in can debug.")
    key = request.execution.pk
    family = transitions.lock_family(key, tasks=True)
    control = debug_lease.lock(key)
    if control.ended:
        return None
    if control.holder_id is None:
        return Changes(
            debug_lease.pass_on(family, None, request.user.pk, request.user.get_username())
        )
    if control.holder_id == request.user.pk:
        raise CommandRefused("You debug it already.")
    if control.asker_id not in (None, request.user.pk):
        raise CommandRefused(f"{control.asker} has asked {control.holder} for it already.")
    if presence.has_left(request.execution.root_id, control.holder_id):
        name = request.user.get_username()
        changed = debug_lease.pass_on(family, control.holder_id, request.user.pk, name)
        return Changes(changed, f"from {control.holder}, who had left")
    if control.asker_id is not None:
        raise CommandRefused(f"{control.holder} has been asked, and has a moment to answer.")
    event = debug_lease.ask(key, request.user)
    told = (
        f"asked {control.holder}; without an answer it goes over in {CONTROL_ANSWER_SECONDS:.0f} s"
    )
    return Changes([event], told) if event else None


COMMAND = Command(
    name="take-over",
    summary="Debug it in place of whoever debugs it now.",
    details=(
        "At once where nobody debugs it or they have left; else they are asked. Without an answer "
        "it goes over by itself."
    ),
    past="taken over",
    icon="bug",
    applies_to=LIVE,
    execute=execute,
    debugs=True,
    lease=Lease.IGNORES,
)
