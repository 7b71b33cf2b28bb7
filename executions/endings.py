"""What an execution's end does to others: it wakes its parent, and a stop stops its children."""

from uuid import UUID

from executions.dispatch import send
from executions.live.events import ExecutionChanged
from executions.states import Status
from executions.store import transitions


def ended(
    execution_id: UUID | str, parent_id: UUID | str | None, status: Status
) -> list[ExecutionChanged]:
    """Returns the further changes, for publishing; messages are sent on commit.

    Must run in the transaction that ended the execution. A child that a worker holds stops at its
    next checkpoint, so a parent may be Stopped a moment before it.
    """
    changed = []
    if parent_id:
        woken = transitions.wake_parent(UUID(str(parent_id)), UUID(str(execution_id)))
        if woken:
            send(UUID(woken.id))
            changed.append(woken)
    if status is Status.STOPPED:
        for child_id in transitions.live_children([UUID(str(execution_id))]):
            changed += stop(child_id) or []
    return changed


def stop(execution_id: UUID) -> list[ExecutionChanged] | None:
    """Stop an execution and what it waits for; None when it cannot be stopped any more."""
    stopped = transitions.stop(execution_id)
    if stopped is None:
        return None
    status = Status(stopped.status)
    if not status.is_terminal:
        return [stopped]
    return [stopped, *ended(execution_id, stopped.parent_id, status)]
