"""Unwatch: no longer hear of what happens to the group."""

from executions.failures.commands.command import Done, FailureCommand, FailureRequest
from executions.models import FailureWatch


def execute(request: FailureRequest) -> Done:
    user_id = request.actor.user_id or 0
    FailureWatch.objects.filter(group=request.group, user_id=user_id).delete()
    return Done("")


COMMAND = FailureCommand(
    name="unwatch",
    summary="No longer hear of what happens to this failure.",
    icon="bell",
    execute=execute,
    is_change=False,
)
