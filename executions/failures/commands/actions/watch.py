"""Watch: hear of what happens to the group."""

from executions.commands.request import CommandRefused
from executions.failures import events
from executions.failures.commands.command import Done, FailureCommand, FailureRequest


def execute(request: FailureRequest) -> Done:
    if request.actor.user_id is None:
        raise CommandRefused("Nobody is signed in who could watch it.")
    events.watch(request.group, [request.actor.user_id])
    return Done("")


COMMAND = FailureCommand(
    name="watch",
    summary="Hear of what happens to this failure.",
    icon="bell",
    execute=execute,
    is_change=False,
)
