"""One turn of an execution on a worker: claim → advance → perform → checkpoint → publish.

The one place where the interpreter, the store, effects and live updates meet.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from executions import claiming, log_context, runner_errors, tracing
from executions.children import child_states
from executions.completion import after_end, release_semaphores
from executions.dispatch import enqueue
from executions.effects.performing import perform_effect
from executions.effects.sessions import Sessions
from executions.engine import overruns
from executions.engine.debugging import TOO_MUCH, Halted
from executions.engine.interpreter import Interpreter
from executions.engine.state import (
    BrokeOnException,
    Budget,
    Continue,
    Decision,
    Event,
    Failed,
    Finished,
    LookUpTasks,
    Perform,
    Route,
    TasksLookedUp,
    Threw,
    TimedOut,
    Yielded,
)
from executions.events import ExecutionChanged
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
from executions.models import Execution
from executions.processes import alarm
from executions.publishing import publish
from executions.states import Place, Reason, Request, Status
from executions.store.lifecycle import chained, initiators, worker_limits
from executions.store.lifecycle.checkpoints import (
    CheckpointResult,
    LeaseLost,
    Release,
    checkpoint,
    release,
)
from executions.store.lifecycle.claims import ClaimedExecution, lock_claimed
from executions.wait_states import registry
from executions.wait_states.wait_state import Checkpoint, CompleteVisit, Outcome, Park, WaitState
from executions.workers import lease_owner
from flows import queries, values
from flows.blocks.errors import BlockException
from flows.blocks.requests import BlockRequest

logger = logging.getLogger(__name__)
#: Its level is that of LOG_FORMAT: a line for each turn costs a short execution time.
turns_logger = logging.getLogger("executions.turns")

#: The latest moment until which something waits: the last day that every time zone has.
LATEST = datetime(9999, 12, 30, tzinfo=UTC).timestamp()
#: The targets that win over a pause or a stop that was asked for meanwhile.
_FLOW_ENDS = frozenset({Status.ENDED, Status.ERROR})


def run(execution_id: UUID, task_id: str = "") -> None:
    """Advance a Queued execution until it ends, parks, pauses or its time slice is over.

    Does nothing when it is not Queued: a message that comes twice or late is harmless. The lease's
    owner ends with the id of the worker's task, by which a forced stop ends it.
    """
    owner = lease_owner(socket.gethostname(), os.getpid(), uuid4().hex[:8], task_id)
    with log_context.bound(execution=str(execution_id)):
        _run(execution_id, owner)


def _run(execution_id: UUID, owner: str) -> None:
    turn = None
    try:
        began = time.monotonic()
        claimed = claiming.claim(execution_id, owner)
        if claimed is None:
            return
        event = claimed.event
        log_context.add(flow=event.flow_name, user=event.initiator_id, **claimed.start_context)
        publish([event])
        took = time.monotonic() - began
        with tracing.span(
            f"execute {event.flow_name}",
            parent=claimed.start_context.get("traceparent"),
            kind="consumer",
            cortexweb__execution=event.id,
            cortexweb__flow=event.flow_name,
            user__id=event.initiator_id,
        ):
            tracing.past_span("claim", took)
            turn = _Turn(claimed, took)
            turn.run()
    except LeaseLost:
        logger.info("%s was taken over by someone else", execution_id)
    except Exception as problem:
        secrets = turn.interpreter.secrets if turn else None
        runner_errors.give_back(execution_id, owner, problem, secrets)
    finally:
        if turn:
            turn.sessions.close()


def _log_turn(event: ExecutionChanged) -> None:
    """Log what became of an execution in a turn."""
    if turns_logger.isEnabledFor(logging.INFO):
        told = {
            "status": event.status,
            "reason": event.reason,
            "error_type": event.error_type,
            "steps": event.step_count,
        }
        block = {"block": event.block} if event.block else {}
        turns_logger.info("%(status)s", told, extra={**told, **block})


class _Turn:
    """A claimed execution on this worker; `took` is how many seconds the claim took."""

    def __init__(self, claimed: ClaimedExecution, took: float = 0.0) -> None:
        self.claimed = claimed
        self.sessions = Sessions()
        graph = queries.compiled(claimed.version_id)
        context = initiators.claimed_context(claimed, graph)
        self.interpreter = Interpreter(graph, time.time, claimed.snapshot(context))
        self.single_block_turns_left = CHECKPOINT_BLOCKS
        self._in_transaction = False
        slice_ = max(TIME_SLICE_SECONDS, min(TIME_SLICE_LOADS * took, MAX_TIME_SLICE_SECONDS))
        self.slice_ends = time.monotonic() + slice_

    def run(self) -> None:
        """Advance until the execution ends, parks, pauses or its time slice is over."""
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
        """Place the token if it stands nowhere yet; return the event to go on with."""
        interpreter = self.interpreter
        claimed = self.claimed
        if claimed.failed_turn is None and self._died_of_condition():
            self._halt(Halted(Place.BREAKPOINT, TOO_MUCH))
            return None
        thrown = overruns.thrown_after_deaths(
            interpreter,
            claimed.state,
            claimed.deaths,
            killed_by_alarm=claimed.killed_by_alarm,
            failed_turn=claimed.failed_turn,
        )
        if not interpreter.frames:
            with alarm(BLOCK_SECONDS):
                interpreter.begin(claimed.inputs, values.decode(claimed.state.get("extensions")))
            if claimed.deaths and claimed.stepper is not None:
                # Another death is not one of the defaults: the condition of a breakpoint is next.
                self._checkpoint()
        return thrown or self._first_event()

    def _died_of_condition(self) -> bool:
        """Return whether workers have died in a row where the token waits for the condition of a
        breakpoint to be evaluated: the block has not run, so it must not throw."""
        claimed = self.claimed
        return (
            claimed.deaths > 1
            and "waits" not in claimed.state
            and claimed.stepper is not None
            and claimed.stepper.has_condition(self.interpreter)
        )

    def _one_by_one(self) -> int:
        """Return 1: after a death each block is written down before the next, until the batch in
        which it came is passed."""
        self.single_block_turns_left -= 1
        if not self.single_block_turns_left:
            self.claimed.deaths = 0
        return 1

    def _advance(self, event: Event, blocks: int) -> Decision | Halted:
        if self.interpreter.step_count >= MAX_BLOCKS:
            return overruns.too_many_blocks(self.interpreter)
        blocks = min(blocks, MAX_BLOCKS - self.interpreter.step_count)
        budget = Budget(blocks, time.time() + CHECKPOINT_SECONDS)
        self.interpreter.break_on_exception(self.claimed.breaks_on_exception)
        stepper = self.claimed.stepper
        with alarm(BLOCK_SECONDS):
            if stepper is None:
                return self.interpreter.advance(event, budget)
            return stepper.advance(self.interpreter, event, budget)

    def _first_event(self) -> Event | None:
        """Return the event for what the execution was doing when it was last written down."""
        waits = self.claimed.state.get("waits")
        match waits:
            case None:
                return Continue()
            case {"for": "effect"}:
                return Continue() if waits["again"] else self._interrupted()
            case {"for": "exception"}:
                return Route(values.decode(waits["exception"]), waits["step"])
        wait_state = registry.of_waits(waits)
        return self._wait(
            wait_state, lambda: wait_state.resume(self.claimed, self.interpreter, waits)
        )

    def _interrupted(self) -> Event:
        return Threw(overruns.interrupted(self.interpreter))

    # Decisions ---------------------------------------------------------------------------------

    def _carry_out(self, decision: Decision | Halted) -> Event | None:
        """Do what the interpreter asks for; return the event to go on with, or None when the claim
        was given up."""
        match decision:
            case Yielded():
                return self._yielded()
            case Perform():
                return self._perform(decision)
            case LookUpTasks(tasks):
                return TasksLookedUp(child_states(self.claimed, self.interpreter, tasks))
            case BlockRequest():
                wait_state = registry.of_request(decision)
                return self._wait(
                    wait_state,
                    lambda: wait_state.enter(self.claimed, self.interpreter, decision),
                )
        self._leave(decision)
        return None

    def _leave(self, decision: Halted | BrokeOnException | Finished | Failed) -> None:
        """Give the claim up as the interpreter asks for."""
        match decision:
            case Halted():
                self._halt(decision)
            case BrokeOnException(thrown, step):
                waits = {"for": "exception", "exception": values.encode(thrown), "step": step}
                self._release(Release(Status.EXCEPTION, {"waits": waits}, error=thrown))
            case Finished(outputs, unhandled):
                self._release(Release(Status.ENDED, outputs=outputs, error=unhandled))
            case Failed(thrown):
                state = {"error": values.encode(thrown)}
                self._release(Release(Status.ERROR, state, error=thrown))

    def _halt(self, halted: Halted) -> None:
        state = {"condition": halted.problem} if halted.problem else None
        self._release(Release(Status.PAUSED, state, place=halted.place))

    def _yielded(self) -> Event | None:
        if self.claimed.steps_wanted == 0:
            self._release(Release(Status.PAUSED))
        elif self._is_slice_over() and worker_limits.anyone_waits(self.claimed.event):
            self._release(Release(Status.QUEUED))
        elif self._obey(self._checkpoint()):
            return Continue()
        return None

    def _is_slice_over(self) -> bool:
        return time.monotonic() >= self.slice_ends and not self.sessions.hold_worker

    def _checkpoint(
        self, state: dict[str, Any] | None = None, children: int = 0
    ) -> CheckpointResult:
        runner_errors.log_defects(self.claimed.id, self.interpreter)
        released = self.interpreter.progress.released
        if not released:
            written = checkpoint(self.claimed, self.interpreter, state, children)
            publish([written.event])
            return written
        with self._transaction():
            written = checkpoint(self.claimed, self.interpreter, state, children)
            publish([written.event, *release_semaphores(self.claimed.id, released)])
        return written

    def _obey(self, written: CheckpointResult, state: dict[str, Any] | None = None) -> bool:
        """Do what was asked of the execution meanwhile; return whether it still runs."""
        if written.request is Request.NONE:
            return True
        target = Status.PAUSED if written.request is Request.PAUSE else Status.STOPPED
        self._release(Release(target, state))
        return False

    def _perform(self, decision: Perform) -> Event | None:
        state = self._state("effect", {"again": decision.repeatable})
        if not self._obey(self._checkpoint(state)):
            return None
        block = self.interpreter.graph.blocks[decision.block].block
        event: Event
        seconds = overruns.effect_seconds(decision.until, time.time())
        with (
            keep_alive(self.claimed),
            alarm(seconds),
            log_context.bound(block=decision.block),
            tracing.span(
                block.type,
                kind="client",
                cortexweb__block=decision.block,
            ),
        ):
            event = perform_effect(block, decision, self.sessions)
            if isinstance(event, Threw):
                tracing.describe_error(event.exception.type)
        if self.interpreter.is_late:
            event = TimedOut()
        # What was done is written down at once, before anything else can go wrong.
        return self._complete_visit(event)

    # Wait states -------------------------------------------------------------------------------

    def _wait(self, wait_state: WaitState[Any], decide: Callable[[], Outcome]) -> Event | None:
        """Do what a wait state decides, in the transaction in which it decides."""
        try:
            with self._wait_transaction():
                if wait_state.locks_execution and not lock_claimed(self.claimed):
                    raise LeaseLost
                outcome = decide()
                match outcome:
                    case Park():
                        self._park(wait_state, outcome)
                        return None
                    case CompleteVisit(event):
                        return self._complete_visit(event)
                    case Checkpoint(event, children):
                        before = self.interpreter.step_count
                        done = self.interpreter.settle(event)
                        written = self._checkpoint(children=children)
                    case event:
                        return event
        except BlockException as thrown:
            return Threw(thrown.value)
        visited = self.interpreter.step_count > before
        return self._continue_after(done, written, visited=visited)

    def _continue_after(
        self, done: Decision, written: CheckpointResult, *, visited: bool
    ) -> Event | None:
        """Go on after an event that a checkpoint has just written down, with the visit that it
        ended, if it has."""
        if visited and self.claimed.steps_wanted is not None:
            self.claimed.steps_wanted = max(0, self.claimed.steps_wanted - 1)
        if not isinstance(done, Yielded):
            return self._carry_out(done)
        if not self._obey(written):
            return None
        if visited and (self.claimed.steps_wanted == 0 or self._is_slice_over()):
            return self._yielded()
        return Continue()

    def _complete_visit(self, event: Event) -> Event | None:
        """Take an event in, and write down what came of it before any other block runs."""
        done = self.interpreter.settle(event)
        if self.claimed.steps_wanted is not None:
            self.claimed.steps_wanted = max(0, self.claimed.steps_wanted - 1)
        return self._carry_out(done)

    def _park(self, wait_state: WaitState[Any], park: Park) -> None:
        """Wait without a worker, at most until the first Block Timeout under way is over
        (semantics 76)."""
        due = min(self.interpreter.deadline, inf if park.until is None else park.until)
        self._release(
            Release(
                Status.RUNNING,
                self._state(wait_state.name, park.waits),
                wait_state.reason,
                due_at=None if due == inf else datetime.fromtimestamp(min(due, LATEST), UTC),
                children=park.children,
                awaits=park.awaits,
                waiting_for=park.text,
            )
        )

    def _state(self, name: str, details: Mapping[str, Any]) -> dict[str, Any]:
        """Return the state of an execution that waits, or has an effect under way."""
        return {"waits": {"for": name, **details}, "since": self.interpreter.since}

    @contextmanager
    def _wait_transaction(self) -> Iterator[None]:
        """The transaction in which a wait state decides, and what it decides is done."""
        with transaction.atomic():
            self._in_transaction = True
            try:
                yield
            finally:
                self._in_transaction = False

    def _transaction(self) -> AbstractContextManager[None]:
        """Return a transaction, or nothing more in that of a wait state: what fails in it fails as
        a whole, so that a savepoint would be of no use."""
        return nullcontext() if self._in_transaction else transaction.atomic()

    def _release(self, how: Release) -> None:
        """Give the claim up, and tell whoever has to know."""
        is_end = how.target.is_terminal
        with tracing.span("end" if is_end else "release", cortexweb__status=how.target.value):
            if is_end and how.error is not None:
                tracing.describe_error(how.error.type)
            self._give_up(how)
        if self.claimed.limit_checked:
            # Within another transaction, once that has given the worker back.
            transaction.on_commit(
                partial(claiming.worker_released, self.claimed.event), robust=True
            )

    def _give_up(self, how: Release) -> None:
        runner_errors.log_defects(self.claimed.id, self.interpreter)
        interpreter = self.interpreter
        released = interpreter.progress.released
        holds = bool(released) or any(frame.semaphore for frame in interpreter.frames)
        tickets = holds or how.reason in (Reason.SEMAPHORE, Reason.STORAGE, Reason.SIGNAL)
        event = self.claimed.event
        is_alone = (
            event.parent_id is None
            and event.trigger != Execution.Trigger.RETRY
            and not chained.concerns(event.flow_name)
        )
        if how.target in _FLOW_ENDS and not tickets and is_alone:
            # Its end concerns nobody else, so that one statement is all there is to commit.
            ended = release(self.claimed, interpreter, how).event
            publish([ended])
            _log_turn(ended)
            return
        with self._transaction():
            written = release(self.claimed, interpreter, how)
            changed = [written.event]
            status = Status(written.event.status)
            if status is Status.QUEUED:
                enqueue(written.event, slice_used=True)
            elif status.is_terminal:
                changed += after_end(written.event, tickets=tickets)
            if released and not status.is_terminal:
                changed += release_semaphores(self.claimed.id, released)
            publish(changed)
        _log_turn(written.event)
