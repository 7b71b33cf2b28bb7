"""Recovery re-enqueues what time or a crash has left behind. It is idempotent, and runs nothing."""

from uuid import UUID

from django.db import transaction

from executions import claiming
from executions.completion import ended, wake_granted
from executions.dispatch import enqueue
from executions.events import ExecutionChanged
from executions.publishing import publish
from executions.states import Status
from executions.store.lifecycle import failures, transitions


def recover() -> int:
    """One round: due timers, expired leases, granted semaphores, lost messages, limits of workers
    that have room, and failures that their ancestors don't count yet.

    Returns how many it moved.
    """
    with transaction.atomic():
        changed = _with_consequences(transitions.wake_due() + transitions.take_over_expired())
    lost = transitions.lost_messages()
    for waiting in lost:
        enqueue(waiting)
    roomy = claiming.wake_within_limits()
    publish(failures.count())
    return len(changed) + len(lost) + roomy


def take_over(execution_id: UUID, task_id: str, *, late: bool) -> None:
    """Queue what a worker's task held whose process has died; `late` when the alarm ended it."""
    with transaction.atomic():
        changed = _with_consequences(transitions.take_over(execution_id, task_id, late=late))
    for event in changed:
        claiming.worker_released(event)


def _with_consequences(changed: list[ExecutionChanged]) -> list[ExecutionChanged]:
    """These changes, with what follows from them."""
    for event in changed:
        if event.status == Status.QUEUED:
            enqueue(event)
    changed += ended(*(event for event in changed if Status(event.status).is_terminal))
    changed += wake_granted()
    publish(changed)
    return changed
