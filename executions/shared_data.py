"""What blocks ask of Data Storage and of signals, and what comes of waiting for either.

Every function runs in the transaction that writes its result down.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import inf
from uuid import UUID

from executions.models import Waiter
from executions.store.lifecycle import data_storage, flow_signals, shared_values, waiters
from executions.store.lifecycle.shared_values import Giver, TakenValue
from flows import values
from flows.blocks.shared_data import AwaitSignal, AwaitStorage, SendSignal, SharedDataRequest

_NOTHING = TakenValue(None)


def perform(request: SharedDataRequest, giver: Giver) -> TakenValue | None:
    """Do what an execution asks for; None when it has to wait. Raises BlockException, with nothing
    done."""
    match request:
        case SendSignal():
            flow_signals.send(request, giver)
            return _NOTHING
        case AwaitSignal(name, key):
            return _await_signal(name, key, giver)
        case AwaitStorage():
            return _await_storage(request, giver)
    return data_storage.perform(request, giver)


def _await_signal(name: str, key: str, giver: Giver) -> TakenValue | None:
    assert giver.execution_id is not None
    waited_for = flow_signals.subject(name, key)
    waited_for.lock()
    return flow_signals.take(waiters.wait(giver.execution_id, waited_for), None)


def _await_storage(request: AwaitStorage, giver: Giver) -> TakenValue | None:
    assert giver.execution_id is not None
    waited_for = data_storage.subject(request.collection, request.key)
    waited_for.lock()
    if data_storage.holds(request):
        return _NOTHING
    value = values.encode(request.value)
    waiters.wait(giver.execution_id, waited_for, request.condition.value, value)
    return None


def answer(execution_id: UUID, deadline: float) -> TakenValue | None:
    """Return what an execution waited for, if it came by its deadline (seconds since 1970); None
    when it has to wait on."""
    waiter = Waiter.objects.filter(execution_id=execution_id).first()
    if waiter is None:
        return None
    until = None if deadline == inf else datetime.fromtimestamp(deadline, UTC)
    if not waiter.scope:
        waiters.subject_of(waiter).lock()
        return flow_signals.take(waiter, until)
    if waiter.ready_at is None or (until is not None and waiter.ready_at > until):
        return None
    waiter.delete()
    waiters.subject_of(waiter).announce()
    return shared_values.of_form(waiter.answer)


def leave(executions: Sequence[UUID]) -> None:
    """Have executions wait no longer for shared data. What came for them and they have not taken
    goes to the next in their line."""
    for signal in waiters.leave(executions):
        flow_signals.make_ready(signal)
