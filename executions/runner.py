"""One turn of an execution on a worker: claim → advance → perform → checkpoint → publish.

The one place where the interpreter, the store, effects and live updates meet.
"""

import logging
import os
import socket
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from executions import claiming, runner_errors
from executions.children import insert_child
from executions.completion import ended, given_up, stop
from executions.dispatch import enqueue
from executions.effects.performing import performed
from executions.engine import overruns, secrets
from executions.engine.debugging import Halted
from executions.engine.interpreter import Interpreter
from executions.engine.state import (
    Acquire,
    Acquired,
    Await,
    Broke,
    Decision,
    Event,
    Failed,
    Finished,
    Go,
    LookUp,
    Perform,
    Resumed,
    Route,
    Seen,
    StartChild,
    Threw,
    TimedOut,
    Wait,
    Yielded,
)
from executions.leases import keep_alive
from executions.limits import (
    BLOCK_SECONDS,
    CHECKPOINT_BLOCKS,
    CHECKPOINT_SECONDS,
    MAX_BLOCKS,
    MAX_TIME_SLICE_SECONDS,
    TIME_SLICE_LOADS,
    TIME_SLICE_SECONDS,
)
from executions.processes import alarm
from executions.publishing import publish
from executions.states import Reason, Request, Status
from executions.store.lifecycle import initiators, semaphores, wait_text, worker_limits
from executions.store.lifecycle.checkpoints import LeaseLost, Written, checkpoint, release
from executions.store.lifecycle.claims import Claimed, hold
from executions.store.lifecycle.semaphores import Outcome
from executions.store.read.task_states import ended_by, states
from flows import queries, values
from flows.blocks.errors import BlockException
from flows.blocks.semaphores import Semaphore, could_not_be_acquired
from flows.task_values import States
from flows.values import TaskValue

logger = logging.getLogger(__name__)

#: Until when something waits at most, since the epoch: the last day that every zone has.
LATEST = datetime(9999, 12, 30, tzinfo=UTC).timestamp()
#: What nothing that is asked for meanwhile prevents.
_CERTAIN = frozenset({Status.ENDED, Status.ERROR})


def run(execution_id: UUID, task_id: str = "") -> None:
    """Advance a Queued execution until it ends, parks, pauses or its time slice is over.

    Does nothing when it is not Queued: a message that comes twice or late is harmless. The lease's
    owner ends with the id of the worker's task, by which a forced stop ends it.
    """
    owner = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid4().hex[:8]}:{task_id}"
    turn = None
    try:
        began = time.monotonic()
        claimed = claiming.claim(execution_id, owner)
        if claimed is None:
            return
        publish([claimed.event])
        turn = _Turn(claimed, time.monotonic() - began)
        turn.run()
    except LeaseLost:
        logger.info("%s was taken over by someone else", execution_id)
    except Exception as problem:
        secrets = turn.interpreter.progress.secrets if turn else None
        runner_errors.give_back(execution_id, owner, problem, secrets)


class _Turn:
    """A claimed execution on this worker; the claim took so many seconds."""

    def __init__(self, claimed: Claimed, took: float = 0.0) -> None:
        self.claimed = claimed
        graph = queries.compiled(claimed.version_id)
        self.interpreter = Interpreter(
            graph,
            time.time,
            claimed.frames,
            claimed.event.step_count,
            initiators.context(claimed, graph),
            claimed.known,
        )
        self.interpreter.since = claimed.state.get("since", 0.0)
        self.interpreter.progress.room -= claimed.stored
        self.careful = CHECKPOINT_BLOCKS
        slice_ = max(TIME_SLICE_SECONDS, min(TIME_SLICE_LOADS * took, MAX_TIME_SLICE_SECONDS))
        self.slice_ends = time.monotonic() + slice_

    def run(self) -> None:
        event = self._begin()
        while event is not None:
            wanted = self.claimed.steps_wanted
            before = self.interpreter.step_count
            blocks = CHECKPOINT_BLOCKS if wanted is None else wanted
            decision = self._advance(event, self._one_by_one() if self.claimed.deaths else blocks)
            if wanted is not None:
                visited = self.interpreter.step_count - before
                self.claimed.steps_wanted = max(0, wanted - visited)
            event = self._carry_out(decision)

    def _begin(self) -> Event | None:
        """Place the token where it is not yet, and tell what to go on with."""
        interpreter = self.interpreter
        claimed = self.claimed
        late, broke = claimed.was_late, claimed.broke
        died = overruns.died(interpreter, claimed.state, claimed.deaths, late=late, broke=broke)
        if not interpreter.frames:
            with alarm(BLOCK_SECONDS):
                interpreter.begin(claimed.inputs, values.decode(claimed.state.get("extensions")))
        return died or self._first_event()

    def _one_by_one(self) -> int:
        """After a death each block is written down before the next, until the batch is passed in
        which it came."""
        self.careful -= 1
        if not self.careful:
            self.claimed.deaths = 0
        return 1

    def _advance(self, event: Event, blocks: int) -> Decision | Halted:
        if self.interpreter.step_count >= MAX_BLOCKS:
            return overruns.too_many_blocks(self.interpreter)
        blocks = min(blocks, MAX_BLOCKS - self.interpreter.step_count)
        until = time.time() + CHECKPOINT_SECONDS
        self.interpreter.breaks_on_exception = self.claimed.breaks_on_exception
        watch = self.claimed.watch
        with alarm(BLOCK_SECONDS):
            if watch is None:
                return self.interpreter.advance(event, blocks=blocks, until=until)
            return watch.advance(self.interpreter, event, blocks=blocks, until=until)

    def _first_event(self) -> Event | None:
        """What the execution was doing when it was last written down."""
        waits = self.claimed.state.get("waits")
        match waits:
            case None:
                return Go()
            case {"for": "effect"}:
                if waits["again"]:
                    return Go()
                return Threw(overruns.interrupted(self.interpreter))
            case {"for": "exception"}:
                return Route(values.decode(waits["exception"]), waits["step"])
            case {"for": "time"}:
                due = datetime.fromisoformat(waits["until"])
                if due <= datetime.now(UTC):
                    return Resumed()
                if self._is_late():
                    return TimedOut()
                self._park(Reason.TIME, self._waits(), until=due.timestamp())
                return None
            case {"for": "child"}:
                return self._child_result(waits["child"])
            case {"for": "tasks"}:
                return self._await(waits["tasks"])
            case {"for": "semaphore"}:
                return self._granted(waits["path"], waits["until"])
        raise ValueError(f"unknown kind of wait: {waits}")

    def _waits(self) -> dict[str, Any]:
        return {"waits": self.claimed.state["waits"], "since": self.interpreter.since}

    def _child_result(self, child: str) -> Event | None:
        with transaction.atomic():
            # Locked, so that it cannot end between this look and the parent's parking.
            state = self._states([child], lock=True)[child]
            # Asked of the child's end, and not only now: the worker that stopped it for being late
            # may have died before it wrote that down.
            if self._is_late() and not ended_by(child, self.interpreter.deadline):
                # As when the parent is stopped: nobody waits for it any more.
                publish(stop(UUID(child)) or [])
                return TimedOut()
            if not state.is_completed:
                self._park(Reason.CHILDREN, self._waits())
                return None
        return Resumed(state.exception or state.outputs)

    # Decisions -------------------------------------------------------------------------------

    def _carry_out(self, decision: Decision | Halted) -> Event | None:
        match decision:
            case Yielded():
                return self._yielded()
            case Halted(place):
                self._release(Status.PAUSED, place=place)
            case Broke(thrown, step):
                waits = {"for": "exception", "exception": values.encode(thrown), "step": step}
                self._release(Status.EXCEPTION, error=thrown, state={"waits": waits})
            case Perform():
                return self._perform(decision)
            case StartChild():
                return self._start_child(decision)
            case Await(tasks, cancel):
                return self._await(tasks, cancel=cancel)
            case Acquire(semaphore):
                return self._acquire(semaphore)
            case LookUp(tasks):
                return Seen(self._states(tasks))
            case Wait(until):
                state = self._waiting("time", until=until.isoformat())
                self._park(Reason.TIME, state, until=until.timestamp())
            case Finished(outputs, unhandled):
                self._release(Status.ENDED, outputs=outputs, error=unhandled)
            case Failed(thrown):
                self._release(Status.ERROR, error=thrown, state={"error": values.encode(thrown)})
        return None

    def _yielded(self) -> Event | None:
        if self.claimed.steps_wanted == 0:
            self._release(Status.PAUSED)
        elif time.monotonic() >= self.slice_ends and worker_limits.anyone_queued(
            self.claimed.event
        ):
            self._release(Status.QUEUED)
        elif self._obeyed(self._checkpoint()):
            return Go()
        return None

    def _checkpoint(self, state: dict[str, Any] | None = None, children: int = 0) -> Written:
        runner_errors.log_defects(self.claimed.id, self.interpreter)
        released = self.interpreter.progress.released
        if not released:
            written = checkpoint(self.claimed, self.interpreter, state, children)
            publish([written.event])
            return written
        with transaction.atomic():
            written = checkpoint(self.claimed, self.interpreter, state, children)
            publish([written.event, *given_up(self.claimed.id, released)])
        return written

    def _obeyed(self, written: Written, state: dict[str, Any] | None = None) -> bool:
        """Do what was asked of the execution meanwhile; whether it still runs."""
        if written.request is Request.NONE:
            return True
        target = Status.PAUSED if written.request is Request.PAUSE else Status.STOPPED
        self._release(target, state=state)
        return False

    def _perform(self, decision: Perform) -> Event | None:
        state = self._waiting("effect", again=decision.again)
        if not self._obeyed(self._checkpoint(state)):
            return None
        block = self.interpreter.graph.blocks[decision.block].block
        event: Event
        with keep_alive(self.claimed), alarm(overruns.effect_seconds(decision.until, time.time())):
            event = performed(block, decision)
        if self._is_late():
            event = TimedOut()
        # What was done is written down at once, before anything else can go wrong.
        done = self.interpreter.advance(event, blocks=1, until=0)
        if self.claimed.steps_wanted is not None:
            self.claimed.steps_wanted = max(0, self.claimed.steps_wanted - 1)
        return self._carry_out(done)

    def _start_child(self, decision: StartChild) -> Event | None:
        try:
            with transaction.atomic():
                block = self.interpreter.frames[-1].block
                known = secrets.texts_of(self.interpreter.progress)
                extensions = self.interpreter.extensions
                child = insert_child(self.claimed, decision, block, extensions, known)
                if decision.awaited:
                    state = self._waiting("child", child=str(child))
                    self._park(Reason.CHILDREN, state, children=1)
                    return None
                # The task is written down with the child, or neither is (semantics 68).
                task = Resumed(TaskValue(str(child)))
                done = self.interpreter.advance(task, blocks=1, until=0)
                written = self._checkpoint(children=1)
        except BlockException as thrown:
            return Threw(thrown.value)
        return self._after(done, written)

    def _after(self, done: Decision, written: Written) -> Event | None:
        """Go on after the one visit that a checkpoint has just written down."""
        if self.claimed.steps_wanted is not None:
            self.claimed.steps_wanted = max(0, self.claimed.steps_wanted - 1)
        if not isinstance(done, Yielded):
            return self._carry_out(done)
        if not self._obeyed(written):
            return None
        if self.claimed.steps_wanted == 0 or time.monotonic() >= self.slice_ends:
            return self._yielded()
        return Go()

    def _states(self, ids: Sequence[str], *, lock: bool = False) -> States:
        """What has become of children; what they keep to themselves is kept here too."""
        found = states(self.claimed.event.root_id, ids, lock=lock)
        for state in found.values():
            secrets.share(self.interpreter.progress, state.known)
        return found

    def _await(self, ids: Sequence[str], *, cancel: bool = False) -> Event | None:
        """Park until all these tasks are completed; at once when they are (semantics 72, 73)."""
        with transaction.atomic():
            # Locked, so that none can end between this look and the parking.
            known = self._states(ids, lock=True)
            if cancel:
                live = [task for task in known if not known[task].is_completed]
                publish(stop(*map(UUID, live)) or [])
                known = self._states(ids)
            live = [task for task in known if not known[task].is_completed]
            if live:
                state = self._waiting("tasks", tasks=list(ids))
                if self._is_late():
                    return TimedOut()
                self._park(Reason.CHILDREN, state, awaits=live)
                return None
        return Resumed([known[task] for task in ids])

    def _acquire(self, asked: Semaphore) -> Event | None:
        """Hold a semaphore before the visit begins, in the transaction that writes that down."""
        interpreter = self.interpreter
        level = len(interpreter.frames) - 1
        with transaction.atomic():
            if not hold(self.claimed):
                raise LeaseLost
            block = interpreter.frames[level].block
            answer = semaphores.acquire(self.claimed.id, level, block, asked)
            if answer.outcome is Outcome.REFUSED:
                return Threw(could_not_be_acquired(asked.path, answer.limit, queued=False).value)
            if answer.outcome is Outcome.QUEUED:
                until = None if asked.timeout is None else time.time() + asked.timeout / 1000
                state = self._waiting("semaphore", path=asked.path, until=until)
                self._park(Reason.SEMAPHORE, state, until=until)
                return None
            interpreter.advance(Acquired(asked.path), blocks=1, until=0)
            written = self._checkpoint()
        return Go() if self._obeyed(written) else None

    def _granted(self, path: str, until: float | None) -> Event | None:
        """Whether the semaphore that it waits for is its own now, or the time for that is over."""
        level = len(self.interpreter.frames) - 1
        with transaction.atomic():
            if not hold(self.claimed):
                raise LeaseLost
            answer = semaphores.settle(self.claimed.id, level, path)
            if answer.outcome is Outcome.HELD:
                return Acquired(path)
            over = until is not None and until <= time.time()
            if not over and not self._is_late():
                self._park(Reason.SEMAPHORE, self._waits(), until=until)
                return None
            publish(given_up(self.claimed.id, [level]))
        if over:
            return Threw(could_not_be_acquired(path, answer.limit, queued=True).value)
        return TimedOut()

    def _is_late(self) -> bool:
        return self.interpreter.deadline <= time.time()

    def _park(
        self, reason: Reason, state: dict[str, Any], *, until: float | None = None, **columns: Any
    ) -> None:
        """Wait without a worker, at most until the first Block Timeout under way is over
        (semantics 76)."""
        due = min(self.interpreter.deadline, inf if until is None else until)
        due_at = None if due == inf else datetime.fromtimestamp(min(due, LATEST), UTC)
        told = wait_text.told(state["waits"], columns.get("awaits") or ())
        self._release(
            Status.RUNNING, reason=reason, due_at=due_at, state=state, waiting_for=told, **columns
        )

    def _waiting(self, kind: str, **details: Any) -> dict[str, Any]:
        """What a parked execution keeps of its wait."""
        return {"waits": {"for": kind, **details}, "since": self.interpreter.since}

    def _release(self, target: Status, **columns: Any) -> None:
        """Give the claim up, and tell whoever has to know."""
        self._give_up(target, **columns)
        if self.claimed.limited:
            # Within another transaction, once that has given the worker back.
            transaction.on_commit(
                partial(claiming.worker_released, self.claimed.event), robust=True
            )

    def _give_up(self, target: Status, **columns: Any) -> None:
        runner_errors.log_defects(self.claimed.id, self.interpreter)
        interpreter = self.interpreter
        released = interpreter.progress.released
        held = bool(released) or any(frame.semaphore for frame in interpreter.frames)
        tickets = held or columns.get("reason") is Reason.SEMAPHORE
        if target in _CERTAIN and not tickets and self.claimed.event.parent_id is None:
            # Its end concerns nobody else, so that one statement is all there is to commit.
            publish([release(self.claimed, self.interpreter, target, **columns).event])
            return
        with transaction.atomic():
            written = release(self.claimed, self.interpreter, target, **columns)
            changed = [written.event]
            status = Status(written.event.status)
            if status is Status.QUEUED:
                enqueue(written.event, slice_used=True)
            elif status.is_terminal:
                changed += ended(written.event, tickets=tickets)
            if released and not status.is_terminal:
                changed += given_up(self.claimed.id, released)
            publish(changed)
