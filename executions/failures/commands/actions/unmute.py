"""Unmute: the group needs somebody again."""

from executions.failures.commands.command import Done, FailureCommand, FailureRequest, State
from executions.failures.occurrences import NOT_MUTED


def execute(request: FailureRequest) -> Done:
    group = request.group
    for name, value in NOT_MUTED.items():
        setattr(group, name, value)
    group.state, group.changed_at = State.OPEN, request.now
    return Done("Unmuted it.")


COMMAND = FailureCommand(
    name="unmute",
    summary="Count this failure among what needs somebody again.",
    icon="bell",
    applies_to=frozenset({State.MUTED}),
    execute=execute,
)
