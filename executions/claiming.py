"""Claims executions for workers, within the limits of their user and their flow."""

from uuid import UUID

from django.db import transaction

from executions import limits
from executions.dispatch import enqueue
from executions.events import ExecutionChanged
from executions.publishing import publish
from executions.store.lifecycle import claims, worker_limits
from executions.store.lifecycle.claims import ClaimedExecution
from executions.store.lifecycle.worker_limits import WorkerLimit


def claim(execution_id: UUID, owner: str) -> ClaimedExecution | None:
    """Claim a Queued execution. Returns None when it is not Queued, or a limit allows no worker."""
    if not (limits.WORKERS_PER_PERSON or limits.WORKERS_PER_FLOW):
        claimed = claims.claim(execution_id, owner)
        if claimed is not None:
            return claimed
    waiting = None
    with transaction.atomic():
        # Always the user's before the flow's, so that two claims never wait for each other.
        found = worker_limits.limits_of_queued(execution_id)
        if found is None:
            return None
        for limit in found:
            limit.lock()
        full = next((limit for limit in found if not limit.has_room(execution_id)), None)
        if full is None:
            return claims.claim(execution_id, owner, limit_checked=True)
        waiting = worker_limits.stand_in_line(execution_id, full)
    if waiting is not None:
        publish([waiting])
        # A worker may have been released before this execution waited.
        _wake(found)
    return None


def worker_released(event: ExecutionChanged) -> None:
    """Wake an execution that waits, because of a limit, for the worker that this one has released.

    After a crash in between, `wake_within_limits` finds it.
    """
    _wake(worker_limits.limits_of_event(event))


def wake_within_limits() -> int:
    """Wake executions that wait because of a limit that has room. Returns how many."""
    return _wake(worker_limits.limits_with_room())


def _wake(found: list[WorkerLimit]) -> int:
    woken = [event for limit in found for event in limit.wake()]
    for event in woken:
        enqueue(event)
    return len(woken)
