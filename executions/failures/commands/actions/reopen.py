"""Reopen: the group is not resolved after all."""

from executions.failures.commands.command import Done, FailureCommand, FailureRequest, State


def execute(request: FailureRequest) -> Done:
    group = request.group
    group.state, group.changed_at = State.OPEN, request.now
    group.resolved_in_version = None
    return Done("Reopened it.")


COMMAND = FailureCommand(
    name="reopen",
    summary="Say that this failure is not repaired after all.",
    icon="retry",
    applies_to=frozenset({State.RESOLVED}),
    execute=execute,
)
