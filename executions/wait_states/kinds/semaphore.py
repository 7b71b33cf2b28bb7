"""A semaphore: whoever releases it grants it to the next in its line, and wakes that.

Acquiring is written down before the visit begins, in one transaction. What was asked of the
execution meanwhile is done after the commit: nothing waits for the row of an execution while it has
locked a semaphore.
"""

import time
from collections.abc import Mapping
from typing import Any

from executions.completion import release_semaphores, wake_granted
from executions.engine.interpreter import Interpreter
from executions.engine.state import Acquire, Acquired, Threw, TimedOut
from executions.publishing import publish
from executions.states import Reason
from executions.store.lifecycle import semaphores
from executions.store.lifecycle.claims import ClaimedExecution
from executions.store.lifecycle.semaphores import Outcome as Acquisition
from executions.wait_states.wait_state import Checkpoint, Outcome, Park, WaitState
from flows.blocks.semaphores import could_not_be_acquired


class SemaphoreGrant(WaitState[Acquire]):
    request = Acquire
    name = "semaphore"
    reason = Reason.SEMAPHORE
    locks_execution = True
    wakes = (wake_granted,)

    def enter(
        self, claimed: ClaimedExecution, interpreter: Interpreter, request: Acquire
    ) -> Outcome:
        asked = request.semaphore
        level = len(interpreter.frames) - 1
        answer = semaphores.acquire(claimed.id, level, interpreter.frames[level].block, asked)
        if answer.outcome is Acquisition.REFUSED:
            return Threw(could_not_be_acquired(asked.path, answer.limit, queued=False).value)
        if answer.outcome is Acquisition.QUEUED:
            until = None if asked.timeout is None else time.time() + asked.timeout / 1000
            return Park({"path": asked.path, "until": until}, asked.path, until)
        return Checkpoint(Acquired(asked.path))

    def resume(
        self, claimed: ClaimedExecution, interpreter: Interpreter, waits: Mapping[str, Any]
    ) -> Outcome:
        path, until = waits["path"], waits["until"]
        level = len(interpreter.frames) - 1
        answer = semaphores.settle(claimed.id, level, path)
        if answer.outcome is Acquisition.HELD:
            return Acquired(path)
        over = until is not None and until <= time.time()
        if not over and not interpreter.is_late:
            return Park(waits, path, until)
        publish(release_semaphores(claimed.id, [level]))
        if over:
            return Threw(could_not_be_acquired(path, answer.limit, queued=True).value)
        return TimedOut()


WAIT_STATE = SemaphoreGrant()
