"""What every command that lets an execution go on has in common."""

from executions.commands.request import Done
from executions.dispatch import send
from executions.events import ExecutionChanged


def resumed(changed: ExecutionChanged | None, detail: str = "") -> Done | None:
    """Send the message that names it, when it has become Queued."""
    if changed is None:
        return None
    send(changed)
    return Done([changed], detail)
