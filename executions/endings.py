"""What an execution's end does to others: it wakes its parent, and a stop stops its children."""

from uuid import UUID

from executions.dispatch import send
from executions.live.events import ExecutionChanged
from executions.models import Execution
from executions.states import Status
from executions.store import transitions


def ended(event: ExecutionChanged) -> list[ExecutionChanged]:
    """The further changes that an end brings, for publishing; messages are sent on commit.

    Must run in the transaction that ended the execution.
    """
    changed = _wake(event)
    if event.status == Status.STOPPED:
        for child_id in transitions.lock_family(UUID(event.id)):
            changed += _stop_one(child_id)
    return changed


def stop(execution_id: UUID) -> list[ExecutionChanged] | None:
    """Stop an execution and the children that it waits for; None when it has ended already.

    Tasks that it started go on; Cancel Task stops those (semantics 71, 74).

    A child that a worker holds stops at its next checkpoint, a moment after its parent.
    """
    family = transitions.lock_family(execution_id)
    changed = _stop_one(execution_id)
    if not changed:
        return None
    for member in family:
        changed += _stop_one(member)
    return changed


def _stop_one(execution_id: UUID) -> list[ExecutionChanged]:
    """Empty when it has ended, or is stopping, already."""
    stopped = transitions.stop(execution_id)
    if stopped is None:
        return []
    return [stopped, *(_wake(stopped) if stopped.status == Status.STOPPED else [])]


def _wake(event: ExecutionChanged) -> list[ExecutionChanged]:
    """Wake whoever waits for an execution that has ended: for a task that is anyone who was given
    it, for another child its parent."""
    if event.parent_id is None:
        return []
    if event.trigger == Execution.Trigger.TASK:
        woken = transitions.wake_waiters(UUID(event.id))
    else:
        parent = transitions.wake_parent(UUID(event.parent_id), UUID(event.id))
        woken = [parent] if parent else []
    for waiter in woken:
        send(UUID(waiter.id))
    return woken
