"""The ends of several tasks: the last one wakes whoever waits (`completion.after_end`)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from executions.children import child_states
from executions.completion import stop
from executions.engine.interpreter import Interpreter
from executions.engine.state import Resumed, TimedOut
from executions.publishing import publish
from executions.states import Reason
from executions.store.lifecycle import wait_text
from executions.store.lifecycle.claims import ClaimedExecution
from executions.wait_states.wait_state import Outcome, Park, WaitState
from flows.blocks.base import AwaitTasks
from flows.task_values import States


class Tasks(WaitState[AwaitTasks]):
    """Until all tasks are completed; at once when they are (semantics 72, 73)."""

    request = AwaitTasks
    name = "tasks"
    reason = Reason.CHILDREN

    def enter(
        self, claimed: ClaimedExecution, interpreter: Interpreter, request: AwaitTasks
    ) -> Outcome:
        ids = [task.execution_id for task in request.tasks]
        # Locked, so that none can end between this look and the parking.
        states = child_states(claimed, interpreter, ids, lock=True)
        if request.cancel:
            publish(stop(*map(UUID, _live(states))) or [])
            states = child_states(claimed, interpreter, ids)
        return _outcome(interpreter, ids, states)

    def resume(
        self, claimed: ClaimedExecution, interpreter: Interpreter, waits: Mapping[str, Any]
    ) -> Outcome:
        ids = waits["tasks"]
        return _outcome(interpreter, ids, child_states(claimed, interpreter, ids, lock=True))


def _live(states: States) -> list[str]:
    return [task for task, state in states.items() if not state.is_completed]


def _outcome(interpreter: Interpreter, ids: Sequence[str], states: States) -> Outcome:
    live = _live(states)
    if not live:
        return Resumed([states[task] for task in ids])
    if interpreter.is_late:
        return TimedOut()
    return Park({"tasks": list(ids)}, wait_text.format_tasks(live), awaits=live)


WAIT_STATE = Tasks()
