"""Assign: give the group to somebody. Field: `user`, the name of a user who sees the group."""

from executions.commands.request import CommandRefused
from executions.failures import access, events
from executions.failures.commands.command import (
    UNSOLVED,
    Done,
    FailureCommand,
    FailureRequest,
    State,
)


def execute(request: FailureRequest) -> Done:
    name = request.text("user").removeprefix("@")
    if not name:
        raise CommandRefused("Write the name of the user to whom you give it.")
    group = request.group
    user = access.named(group, name)
    if user is None:
        raise CommandRefused(f"There is no user {name} who may see this failure.")
    if group.owner_id == user.pk:
        raise CommandRefused(f"{name} owns it already.")
    group.owner = user
    events.watch(group, [user.pk])
    return Done(f"Assigned it to {name}.", mentions=[name])


COMMAND = FailureCommand(
    name="assign",
    summary="Assign this failure to somebody, who is notified.",
    icon="user",
    applies_to=UNSOLVED | {State.MUTED},
    execute=execute,
)
