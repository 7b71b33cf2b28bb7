"""Take: own the group."""

from executions.commands.request import CommandRefused
from executions.failures import events
from executions.failures.commands.command import (
    UNSOLVED,
    Done,
    FailureCommand,
    FailureRequest,
    State,
)


def execute(request: FailureRequest) -> Done:
    group, user_id = request.group, request.actor.user_id
    if user_id is None:
        raise CommandRefused("Nobody is signed in who could own it.")
    if group.owner_id == user_id:
        raise CommandRefused("You own it already.")
    before = group.owner
    group.owner_id = user_id
    events.watch(group, [user_id])
    return Done(f"Took it from {before}." if before else "Took it.")


COMMAND = FailureCommand(
    name="take",
    summary="Own this failure: others see that you look after it.",
    icon="hand",
    applies_to=UNSOLVED | {State.MUTED},
    execute=execute,
)
