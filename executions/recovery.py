"""Recovery re-enqueues what time or a crash has left behind. It is idempotent, and runs nothing."""

from uuid import UUID

from django.db import transaction

from executions.dispatch import send
from executions.endings import ended, wake_granted
from executions.live.publish import publish
from executions.states import Status
from executions.store import transitions


def recover() -> int:
    """One round: due timers, expired leases, granted semaphores, lost messages.

    Returns how many it moved.
    """
    moved = 0
    with transaction.atomic():
        changed = transitions.wake_due() + transitions.take_over_expired()
        for event in changed:
            if event.status == Status.QUEUED:
                send(UUID(event.id))
        changed += ended(*(event for event in changed if Status(event.status).is_terminal))
        changed += wake_granted()
        publish(changed)
        moved += len(changed)
    lost = transitions.lost_messages()
    for execution_id in lost:
        send(execution_id)
    return moved + len(lost)
