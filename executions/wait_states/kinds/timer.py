"""A time: the recovery task wakes an execution that is due (`transitions.wake_due`)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from executions.engine.interpreter import Interpreter
from executions.engine.state import Resumed, TimedOut
from executions.states import Reason
from executions.store.lifecycle.claims import ClaimedExecution
from executions.wait_states.wait_state import Outcome, Park, WaitState
from flows.blocks.base import WaitUntil


class Timer(WaitState[WaitUntil]):
    request = WaitUntil
    name = "time"
    reason = Reason.TIME

    def enter(
        self, claimed: ClaimedExecution, interpreter: Interpreter, request: WaitUntil
    ) -> Outcome:
        return Park({"until": request.at.isoformat()}, until=request.at.timestamp())

    def resume(
        self, claimed: ClaimedExecution, interpreter: Interpreter, waits: Mapping[str, Any]
    ) -> Outcome:
        until = datetime.fromisoformat(waits["until"])
        if until <= datetime.now(UTC):
            return Resumed()
        return TimedOut() if interpreter.is_late else Park(waits, until=until.timestamp())


WAIT_STATE = Timer()
