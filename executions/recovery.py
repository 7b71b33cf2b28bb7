"""Queues again what a timer or a crash has left behind. Idempotent; runs no execution itself."""

from uuid import UUID

from django.db import transaction

from executions import claiming
from executions.completion import after_end
from executions.dispatch import enqueue
from executions.events import ExecutionChanged
from executions.publishing import publish
from executions.states import Status
from executions.store.lifecycle import failures, transitions
from executions.wait_states import registry


def recover() -> int:
    """Look for due timers, expired leases, granted semaphores, shared data that has come, lost
    messages, limits with room, and failures that their ancestors don't count yet.

    Returns how many executions it moved.
    """
    with transaction.atomic():
        changed = _with_consequences(transitions.wake_due() + transitions.reclaim_expired())
    lost = transitions.postpone_lost_messages()
    for waiting in lost:
        enqueue(waiting)
    woken = claiming.wake_within_limits()
    publish(failures.count())
    return len(changed) + len(lost) + woken


def reclaim(execution_id: UUID, task_id: str, *, killed_by_alarm: bool) -> None:
    """Queue the execution that a dead process held. `killed_by_alarm`: a block took too long."""
    with transaction.atomic():
        changed = _with_consequences(
            transitions.reclaim(execution_id, task_id, killed_by_alarm=killed_by_alarm)
        )
    for event in changed:
        claiming.worker_released(event)


def _with_consequences(changed: list[ExecutionChanged]) -> list[ExecutionChanged]:
    """Return these changes with those that follow from them, and publish all."""
    for event in changed:
        if event.status == Status.QUEUED:
            enqueue(event)
    changed += after_end(*(event for event in changed if Status(event.status).is_terminal))
    for wake in registry.WAKES:
        changed += wake()
    publish(changed)
    return changed
