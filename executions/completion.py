"""The consequences of an execution's end: whoever waits for it or for its semaphores wakes, a stop
stops its children, what it retries learns how it ended, and chains start others."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import transaction

from executions import shared_data
from executions.dispatch import START_CHAINED, enqueue, send_upkeep
from executions.events import ExecutionChanged
from executions.models import Execution
from executions.publishing import publish
from executions.states import Status
from executions.store.lifecycle import (
    bulk_transitions,
    chained,
    failures,
    questions,
    retries,
    semaphores,
    transitions,
)


def after_end(*events: ExecutionChanged, tickets: bool = True) -> list[ExecutionChanged]:
    """Change what follows from the ends of executions; return these changes, for publishing.

    Must run in the transaction that ended them; messages are sent on commit. Without `tickets`
    they are known to hold no semaphore, and to wait for none, nor for shared data.
    """
    changed: list[ExecutionChanged] = []
    if any(event.parent_id and _failed(event) for event in events):
        # After the commit: no ancestor's row is locked while a child ends.
        transaction.on_commit(_count_failures, robust=True)
    for event in events:
        changed += _wake(event)
        if event.status == Status.STOPPED:
            for child_id in transitions.lock_family(UUID(event.id)):
                changed += _stop_one(child_id)
    changed += retries.settle(events)
    _withdraw_questions([*events, *changed])
    _start_chained([*events, *changed])
    return changed + _release_ended([*events, *changed] if tickets else changed)


def _failed(event: ExecutionChanged) -> bool:
    return event.status == Status.ERROR or event.unhandled


def _count_failures() -> None:
    """Add the failures to the numbers of their ancestors, and publish what that changes."""
    publish(failures.count())


def stop(*executions: UUID) -> list[ExecutionChanged] | None:
    """Stop executions and the children that they wait for; return None when all have ended.

    Tasks that they started go on; Cancel Task stops those (semantics 71, 74). A child that a worker
    holds stops at its next checkpoint, a moment after its parent.
    """
    bulk_transitions.lock(executions)
    changed = bulk_transitions.stop(executions)
    if not changed:
        return None
    changed += _wake(*(event for event in changed if event.status == Status.STOPPED))
    changed += retries.settle(changed)
    _withdraw_questions(changed)
    _start_chained(changed)
    return changed + _release_ended(changed)


def _withdraw_questions(events: Sequence[ExecutionChanged]) -> None:
    """Close what people were asked by those that wait for no answer any longer. A flow that ends by
    itself waits for none."""
    over = {Status.STOPPED, Status.ERROR}
    if ids := [UUID(event.id) for event in events if event.status in over]:
        questions.withdraw(ids)


def _start_chained(events: Sequence[ExecutionChanged]) -> None:
    """Write down which chains the ends concern, and have these start others after the commit."""
    if chained.record(events):
        transaction.on_commit(partial(send_upkeep, START_CHAINED), robust=True)


def release_semaphores(execution_id: UUID, levels: Sequence[int]) -> list[ExecutionChanged]:
    """Release the semaphores of tokens that have left their blocks; wake whoever waited."""
    semaphores.release([execution_id], levels)
    return wake_granted()


def leave_shared_data(*executions: UUID) -> list[ExecutionChanged]:
    """Have executions wait no longer for shared data; wake whoever gets what came for them. Comes
    before semaphores are released: they are locked last."""
    shared_data.leave(executions)
    return wake_ready()


def wake_ready() -> list[ExecutionChanged]:
    """Wake the executions for which shared data has come for which they wait."""
    woken = transitions.wake_ready()
    for waiter in woken:
        enqueue(waiter)
    return woken


def wake_granted() -> list[ExecutionChanged]:
    """Wake the executions that were granted the semaphore for which they wait."""
    woken = transitions.wake_granted()
    for waiter in woken:
        enqueue(waiter)
    return woken


def _release_ended(events: Sequence[ExecutionChanged]) -> list[ExecutionChanged]:
    """Release the semaphores of those that have ended, and what they wait for. Comes last: nothing
    waits for the row of an execution while it has locked a semaphore."""
    over = [UUID(event.id) for event in events if Status(event.status).is_terminal]
    if not over:
        return []
    woken = leave_shared_data(*over)
    semaphores.release(over)
    return woken + wake_granted()


def _stop_one(execution_id: UUID) -> list[ExecutionChanged]:
    """Stop one; return no change when it has ended, or is stopping, already."""
    stopped = transitions.stop(execution_id)
    if stopped is None:
        return []
    return [stopped, *(_wake(stopped) if stopped.status == Status.STOPPED else [])]


def _wake(*events: ExecutionChanged) -> list[ExecutionChanged]:
    """Wake whoever waits for executions that have ended: anyone for a task, the parent for another
    child."""
    tasks: list[UUID] = []
    children: dict[UUID, UUID] = {}
    for event in events:
        if event.parent_id is None:
            continue
        if event.trigger == Execution.Trigger.TASK:
            tasks.append(UUID(event.id))
        else:
            children[UUID(event.id)] = UUID(event.parent_id)
    woken = transitions.wake_parents(children) if children else []
    woken += transitions.wake_waiters(tasks) if tasks else []
    for waiter in woken:
        enqueue(waiter)
    return woken
