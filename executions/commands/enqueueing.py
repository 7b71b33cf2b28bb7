"""Sends the messages of executions that a command has put back into the queue."""

from collections.abc import Sequence
from uuid import UUID

from executions.commands.request import Changes
from executions.dispatch import enqueue
from executions.events import ExecutionChanged


def enqueue_resumed(changed: ExecutionChanged | None, detail: str = "") -> Changes | None:
    """Send the message that names an execution which has become Queued."""
    if changed is None:
        return None
    enqueue(changed)
    return Changes([changed], detail)


def enqueue_resumed_batch(
    changed: list[ExecutionChanged], ids: Sequence[UUID]
) -> list[ExecutionChanged]:
    """Send the messages that name these executions, in the order of `ids`."""
    for event in sorted(changed, key=lambda event: ids.index(UUID(event.id))):
        enqueue(event)
    return changed
