"""What waiting for a signal and for Data Storage have in common."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

from executions import shared_data
from executions.completion import leave_shared_data, wake_ready
from executions.engine.interpreter import Interpreter
from executions.engine.state import Resumed, TimedOut
from executions.publishing import publish
from executions.store.lifecycle.claims import ClaimedExecution
from executions.store.lifecycle.shared_values import Giver, TakenValue
from executions.wait_states.wait_state import CompleteVisit, Outcome, Park, WaitState
from flows.blocks.shared_data import SharedDataRequest

R = TypeVar("R", bound=SharedDataRequest)


class SharedDataWait(WaitState[R]):
    """Until others have done what is waited for: their transaction makes it ready, and wakes it. An
    execution takes shared data in the transaction in which others lose it."""

    locks_execution = True
    wakes = (wake_ready,)

    def enter(self, claimed: ClaimedExecution, interpreter: Interpreter, request: R) -> Outcome:
        giver = Giver(claimed.event.flow_name, claimed.id, interpreter.secrets)
        taken = shared_data.perform(request, giver)
        if taken is None:
            waits = self.waits_of(request)
            return Park(waits, self.text(waits))
        publish(wake_ready())
        return _take(interpreter, taken)

    def resume(
        self, claimed: ClaimedExecution, interpreter: Interpreter, waits: Mapping[str, Any]
    ) -> Outcome:
        taken = shared_data.answer(claimed.id, interpreter.deadline)
        if taken is not None:
            return _take(interpreter, taken)
        if not interpreter.is_late:
            return Park(waits, self.text(waits))
        publish(leave_shared_data(claimed.id))
        return CompleteVisit(TimedOut())

    @abstractmethod
    def waits_of(self, request: R) -> dict[str, Any]:
        """Return what an execution waits for that cannot have it at once."""

    @abstractmethod
    def text(self, waits: Mapping[str, Any]) -> str:
        """Return the same for people."""


def _take(interpreter: Interpreter, taken: TakenValue) -> CompleteVisit:
    interpreter.keep_secret(taken.secret_texts)
    return CompleteVisit(Resumed(taken.value, in_time=True))
