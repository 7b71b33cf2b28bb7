"""The end of a child execution, which wakes its parent (`completion.after_end`)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from executions.children import child_states, insert_child
from executions.completion import stop
from executions.engine.interpreter import Interpreter
from executions.engine.state import Resumed, TimedOut
from executions.publishing import publish
from executions.states import Reason
from executions.store.lifecycle.claims import ClaimedExecution
from executions.store.read.task_states import has_ended_by
from executions.wait_states.wait_state import Checkpoint, Outcome, Park, WaitState
from flows.blocks.base import RunChild
from flows.values import TaskValue


class Child(WaitState[RunChild]):
    request = RunChild
    name = "child"
    reason = Reason.CHILDREN

    def enter(
        self, claimed: ClaimedExecution, interpreter: Interpreter, request: RunChild
    ) -> Outcome:
        child = str(insert_child(claimed, request, interpreter))
        if request.awaited:
            return Park({"child": child}, child, children=1)
        # The task is written down with the child, or neither is (semantics 68).
        return Checkpoint(Resumed(TaskValue(child)), children=1)

    def resume(
        self, claimed: ClaimedExecution, interpreter: Interpreter, waits: Mapping[str, Any]
    ) -> Outcome:
        child = waits["child"]
        # Locked, so that it cannot end between this look and the parent's parking.
        state = child_states(claimed, interpreter, [child], lock=True)[child]
        # Asked of the child's end, and not only now: the worker that stopped it for being late may
        # have died before it wrote that down.
        if interpreter.is_late and not has_ended_by(child, interpreter.deadline):
            # As when the parent is stopped: nobody waits for it any more.
            publish(stop(UUID(child)) or [])
            return TimedOut()
        if not state.is_completed:
            return Park(waits, child)
        return Resumed(state.exception or state.outputs)


WAIT_STATE = Child()
