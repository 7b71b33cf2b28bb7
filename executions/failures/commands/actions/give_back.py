"""Give back: the group has no owner any more."""

from executions.commands.request import CommandRefused
from executions.failures.commands.command import Done, FailureCommand, FailureRequest


def execute(request: FailureRequest) -> Done:
    group, owner = request.group, request.group.owner
    if owner is None:
        raise CommandRefused("Nobody owns it.")
    group.owner = None
    if owner.pk == request.actor.user_id:
        return Done("Gave it back.")
    return Done(f"Took it away from {owner}.", mentions=[owner.get_username()])


COMMAND = FailureCommand(
    name="give-back",
    summary="Leave this failure without an owner, so that somebody else takes it.",
    icon="user",
    execute=execute,
)
