"""The interpreter: moves the token of one execution block by block.

Pure: no Django, no I/O, no randomness; the clock is an argument. `advance` takes an event, runs
blocks until something outside is needed, and returns a decision that says what. Others read the
interpreter, but change it only by its methods.
"""

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from typing import Any

from executions.engine import guards, reading, scopes
from executions.engine.changes import ChangeRecorder
from executions.engine.environment import Environment
from executions.engine.program import EXTENSIONS, Instruction, Program, compile_program
from executions.engine.secrets import Secrets, secrets_of
from executions.engine.state import (
    Acquired,
    BrokeOnException,
    Budget,
    Continue,
    Decision,
    Event,
    Failed,
    Finished,
    Frame,
    LogRecord,
    LookUpTasks,
    Perform,
    Performed,
    Progress,
    Resumed,
    Route,
    Snapshot,
    StepRecord,
    TasksLookedUp,
    Threw,
    ThrownException,
    TimedOut,
    Yielded,
)
from flows import values
from flows.blocks.base import (
    Effect,
    EndExecution,
    EnterWorkspace,
    JumpTo,
    Leave,
    LeaveWorkspace,
    Outcome,
    Port,
    Visit,
)
from flows.blocks.errors import (
    BlockException,
    port_not_connected,
    receiver_missing,
    unexpected,
    untranslatable,
)
from flows.blocks.requests import BlockRequest
from flows.expressions import TaskStateNeeded, supply
from flows.graph import FlowGraph
from flows.values import ExceptionValue

#: Enough to take an event in, and to visit no block after it.
_NO_VISIT = Budget(blocks=1, until=0.0)
_NOWHERE = Snapshot()


class Interpreter:
    """One execution in memory. Without a snapshot it stands nowhere until `begin`."""

    __slots__ = (
        "_breaks_on_exception",
        "_clock",
        "_deadline",
        "_environment",
        "_frames",
        "_graph",
        "_ids",
        "_instructions",
        "_limit",
        "_pending",
        "_program",
        "_progress",
        "_recorder",
        "_since",
        "_step_count",
        "_until",
    )

    def __init__(
        self, graph: FlowGraph, clock: Callable[[], float], snapshot: Snapshot = _NOWHERE
    ) -> None:
        """`clock` returns the seconds since the epoch."""
        self._graph = graph
        self._program = compile_program(graph)
        self._instructions = self._program.instructions
        self._clock = clock
        self._breaks_on_exception = False
        self.restore(snapshot)

    def restore(self, snapshot: Snapshot) -> None:
        """Stand where an execution was last written down, with nothing done since."""
        self._frames: list[Frame] = list(snapshot.frames)
        self._environment = Environment(self._frames, dict(snapshot.context))
        self._step_count = snapshot.step_count
        self._since = snapshot.since
        self._progress = Progress()
        secrets = secrets_of(self._program.secrets, snapshot.secret_texts, self._frames)
        self._recorder = ChangeRecorder(secrets)
        self._recorder.room -= snapshot.stored_bytes
        #: When the first of the visits under way times out.
        self._deadline = guards.earliest_deadline(self._frames)
        #: When `advance` has to return, and when it looks up from its blocks at the latest.
        self._limit = self._until = inf
        #: How many ids the expressions of the visit under way have taken.
        self._ids = 0
        #: The decision that `begin` came to already.
        self._pending: Decision | None = None

    def begin(self, inputs: Mapping[str, Any], extensions: Mapping[str, Any] | None = None) -> None:
        """Place the token on Start Flow, with inputs and defaults in its variables, and the
        extensions that a parent had when it started this execution.

        The inputs have passed `flows.validation.check_inputs`. A default that fails is thrown by
        Start Flow (semantics 22).
        """
        given = {name.casefold(): value for name, value in inputs.items()}
        top = self._graph.top
        self.place_on_start()
        frame = self._frames[0]
        self.keep_secret(values.secret_texts(given))
        if extensions:
            frame.variables[EXTENSIONS] = values.copy(dict(extensions))
            frame.changed.add(EXTENSIONS)
        with supply.supplied_by(self):
            failed = scopes.initialise(frame, top, given)
        self._recorder.unfinished = scopes.initial_changes(frame, self._graph, self._recorder)
        if failed:
            self._since = self._clock()
            self._pending = self._throw(failed, self._instructions[top.start])

    def advance(self, event: Event, budget: Budget) -> Decision:
        """Run until something outside is needed, or the budget is used up."""
        with supply.supplied_by(self):
            return self._advance(event, budget)

    def _advance(self, event: Event, budget: Budget) -> Decision:
        blocks, self._limit = budget.blocks, budget.until
        decision, self._pending = self._pending, None
        if not isinstance(event, Continue):
            decision = self._attempt(lambda: self._take(event))
            blocks -= 1
        self._until = min(self._limit, self._deadline)
        while decision is None:
            if blocks <= 0 or self._clock() >= self._until:
                if blocks <= 0 or self._clock() < self._deadline:
                    break
                self._since = self._clock()
                decision = self._attempt(self._time_out)
            else:
                decision = self._attempt(self._visit)
            blocks -= 1
        return Yielded() if decision is None else decision

    def settle(self, event: Event) -> Decision:
        """Take an event in, and visit no block after it."""
        return self.advance(event, _NO_VISIT)

    def take_progress(self) -> Progress:
        """Return what happened since the last call, with secrets masked, and begin anew."""
        progress, self._progress = self._progress, Progress()
        progress.stored = self._recorder.take()
        for frame in self._frames:
            progress.changed.append(frame.changed)
            frame.changed = set()
        if (secrets := self._recorder.secrets) is not None:
            secrets.redact_progress(progress)
            progress.secrets_changed, secrets.changed = secrets.changed, False
        return progress

    # What others may know ----------------------------------------------------------------------

    @property
    def graph(self) -> FlowGraph:
        """The flow."""
        return self._graph

    @property
    def program(self) -> Program:
        """The compiled flow."""
        return self._program

    @property
    def frames(self) -> Sequence[Frame]:
        """The tokens, outermost first; none before the execution has begun."""
        return self._frames

    @property
    def instruction(self) -> Instruction:
        """The block on which the token stands."""
        return self._instructions[self._frames[-1].block]

    @property
    def environment(self) -> Environment:
        """The variables that blocks see."""
        return self._environment

    @property
    def extensions(self) -> dict[str, Any]:
        """What the flow wrote to `_executionContext.Extensions` (semantics 30)."""
        return dict(self._frames[0].variables.get(EXTENSIONS, {}))

    @property
    def step_count(self) -> int:
        """The number of the last step."""
        return self._step_count

    @property
    def since(self) -> float:
        """When the block under way (an effect, a wait) was entered, in seconds since the epoch."""
        return self._since

    @property
    def deadline(self) -> float:
        """When the first of the visits under way times out, in seconds since the epoch."""
        return self._deadline

    @property
    def is_late(self) -> bool:
        """Whether one of the visits under way has run out of time."""
        return self._deadline <= self._clock()

    @property
    def progress(self) -> Progress:
        """What happened since the last `take_progress`."""
        return self._progress

    @property
    def secrets(self) -> Secrets | None:
        """The secrets of the execution; None when it has none."""
        return self._recorder.secrets

    def now(self) -> float:
        """Return the time of the clock."""
        return self._clock()

    # What expressions ask for -------------------------------------------------------------------

    def expression_time(self) -> datetime:
        """Return when the block under way was entered."""
        return datetime.fromtimestamp(self._since or self._clock(), UTC)

    def expression_uuid(self) -> str:
        """Return an id that follows from the execution, the step and how many were taken in it, so
        that a step that runs again after a crash gets the same ones."""
        self._ids += 1
        execution = self._environment.context.get("ExecutionId")
        return supply.id_of(f"{execution} {self._step_count} {self._ids}")

    # What others may change --------------------------------------------------------------------

    def break_on_exception(self, enabled: bool) -> None:
        """Decide BrokeOnException where a block throws, or not."""
        self._breaks_on_exception = enabled

    def keep_secret(self, texts: Iterable[str]) -> None:
        """Keep secret these texts: those of another execution whose results this one takes, or what
        an expression has made of one."""
        shared = dict.fromkeys(texts)
        if (secrets := self._recorder.secrets) is not None:
            secrets.add_texts(shared)
        elif shared:
            self._recorder.secrets = Secrets({}, shared, changed=True)

    def redact_again(self) -> None:
        """Have the next checkpoint mask all variables: more of them may be secret now."""
        if (secrets := self._recorder.secrets) is not None:
            secrets.changed = True

    def place_on_start(self) -> None:
        """Put a token without variables on Start Flow."""
        self.replace_frames([Frame(workspace="", block=self._graph.top.start)])

    def replace_frames(self, frames: Sequence[Frame]) -> None:
        """Put the tokens elsewhere, as Set Next does (`executions.engine.moving`)."""
        self._frames[:] = frames
        self._deadline = guards.earliest_deadline(self._frames)
        if (secrets := self._recorder.secrets) is not None:
            secrets.add_frames(self._frames)

    def set_variable(self, level: int, name: str, value: Any) -> None:
        """Give a variable of a paused execution, by its case-folded name, another value."""
        frame = self._frames[level]
        self.keep_secret(values.secret_texts(value))
        frame.variables[name] = value
        frame.changed.add(name)
        if (secrets := self._recorder.secrets) is not None:
            secrets.add_frames([frame])

    def fail(self, thrown: ExceptionValue) -> Failed:
        """Throw what no handler may take, and end the execution with it."""
        block = self._frames[-1].block
        record = ThrownException(self._step_count, self._clock(), block, thrown)
        self._progress.thrown.append(record)
        return Failed(thrown)

    # A visit -----------------------------------------------------------------------------------

    def _attempt(self, part: Callable[[], Decision | None]) -> Decision | None:
        """Run a part of a visit, and throw in the flow what it raises: also a defect of a block,
        which must not come back at every attempt to run the execution."""
        try:
            return part()
        except TaskStateNeeded as met:
            return LookUpTasks(met.ids)
        except BlockException as thrown:
            return self._throw(thrown.value, self.instruction)
        except Exception as problem:
            return self._throw(unexpected(problem), self.instruction, traceback.format_exc())

    def _take(self, event: Event) -> Decision | None:
        match event:
            case Performed(outputs):
                self.keep_secret(values.secret_texts(self._given_back(outputs)))
                return self._finish(Leave(outputs=outputs))
            case Resumed(result, in_time):
                if in_time:
                    self._frames[-1].deadline = None
                visit = Visit({}, now=self._datetime)
                return self._finish(self.instruction.block.resume(visit, result))
            case Route(thrown, step):
                return self._route(thrown, step)
            case Threw(thrown, code):
                return self._throw(thrown, self.instruction, code)
            case TasksLookedUp(states):
                self._environment.tasks |= states
                return None
            case Acquired(path):
                self._frames[-1].semaphore = path
                return None
            case TimedOut():
                return self._time_out()
            case Continue():
                return None

    def _datetime(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _visit(self) -> Decision | None:
        frame = self._frames[-1]
        instruction = self._instructions[frame.block]
        block = instruction.block
        self._since = self._clock()
        self._ids = 0
        if instruction.problem:
            raise untranslatable(instruction.problem)
        if instruction.guarded and (
            asked := self._begin_guards(instruction, len(self._frames) - 1)
        ):
            return asked
        inputs = reading.properties(instruction, self._environment)
        if self._environment.tasks:
            self._environment.tasks = {}
        reveals = False
        if self._recorder.secrets is not None:
            inputs, reveals = reading.revealed(instruction, inputs)
        if instruction.has_effect:
            repeatable = block.effect_of(inputs) is Effect.REPEATABLE
            return Perform(instruction.key, inputs, repeatable, self._deadline)
        state = frame.block_states.get(instruction.key)
        seconds = guards.seconds(frame)
        visit = Visit(inputs, state, frame.exception, self._datetime, self._graph.name, seconds)
        outcome = block.run(visit)
        return self._finish(self._concealed(outcome) if reveals else outcome)

    def _given_back(self, outputs: Mapping[str, Any]) -> list[Any]:
        """Return what an effect saves to properties that it read: credentials with a new token, of
        which the texts are secret."""
        read = {prop.name for prop in self.instruction.block.properties if prop.reads}
        return [value for name, value in outputs.items() if name in read]

    def _concealed(self, outcome: Outcome) -> Outcome:
        """What a block without an effect made of secret texts, as secret texts."""
        if not isinstance(outcome, Leave):
            return outcome
        concealed = {name: values.conceal(value) for name, value in outcome.outputs.items()}
        self.keep_secret(values.secret_texts(concealed))
        return replace(outcome, outputs=concealed)

    def _finish(self, outcome: Outcome) -> Decision | None:
        frame = self._frames[-1]
        instruction = self._instructions[frame.block]
        match outcome:
            case Leave():
                if frame.deadline is not None and self._clock() >= frame.deadline:
                    return self._time_out()
                return self._leave(frame, instruction, outcome)
            case EnterWorkspace():
                return self._enter(instruction)
            case JumpTo(receiver):
                return self._jump(frame, instruction, receiver)
            case LeaveWorkspace():
                return self._leave_workspace(frame, instruction)
            case EndExecution():
                self._record(instruction, "", None)
                return Finished(scopes.outputs(self._graph, self._frames[0]))
            case BlockRequest():
                return outcome

    def _begin_guards(self, instruction: Instruction, level: int) -> Decision | None:
        """Hold the semaphore of a token's block, then begin its time. Raises BlockException."""
        flow = self._graph.name
        asked = guards.begin(flow, instruction, self._environment, level, self._since)
        self._deadline = guards.earliest_deadline(self._frames)
        self._until = min(self._limit, self._deadline)
        return asked

    def _end_guards(self, frame: Frame) -> None:
        """Take the guards off the innermost token, which leaves its block."""
        if guards.end(frame):
            self._progress.released.append(len(self._frames) - 1)
            # Whoever waits for the semaphore must not wait for the next checkpoint too.
            self._limit = 0.0
        self._deadline = guards.earliest_deadline(self._frames)
        self._until = min(self._limit, self._deadline)

    def _time_out(self) -> Decision | None:
        """Throw BlockTimeoutException at the block that has run out of time, and leave the
        workspaces that it had opened (semantics 76)."""
        frame = guards.timed_out_frame(self._frames, self._clock())
        if frame is None:
            return None
        while self._frames[-1] is not frame:
            self._end_guards(self._frames[-1])
            self._frames.pop()
        thrown = guards.timeout_exception(self._graph, frame, self._environment.context)
        return self._throw(thrown, self.instruction)

    def _leave(self, frame: Frame, instruction: Instruction, outcome: Leave) -> Decision | None:
        changes = self._save(instruction, outcome.outputs) if outcome.outputs else None
        if (
            not self._step_count
        ):  # The first step also records the values that its flow begins with.
            changes = (self._recorder.take_unfinished() or {}) | (changes or {})
        key = instruction.key
        if outcome.state is not None:
            frame.block_states[key] = outcome.state
        elif frame.block_states.pop(key, None) is not None or instruction.block.items_property:
            items = f"items:{key}"
            if frame.variables.pop(items, None) is not None:
                frame.changed.add(items)
        self._record(instruction, outcome.port, changes)
        if outcome.log:
            record = LogRecord(self._step_count, self._since, key, outcome.log)
            self._progress.logged.append(record)
        if frame.exception is not None:
            if outcome.port is Port.EXCEPTION:
                # A handler that does not match passes on what was thrown before (semantics 32).
                return self._route(frame.exception, frame.thrown_at)
            self._progress.handled[frame.thrown_at] = key
            frame.exception = None
        return self._move(frame, instruction, outcome.port)

    def _move(self, frame: Frame, instruction: Instruction, port: Port) -> Decision | None:
        if instruction.guarded:
            self._end_guards(frame)
        target = instruction.ports.get(port)
        if target is not None:
            frame.block = target
            return None
        return self._raise(port_not_connected(port, instruction.node.title).value, instruction)

    def _save(self, instruction: Instruction, outputs: Mapping[str, Any]) -> dict[str, Any]:
        return scopes.save(instruction, outputs, self._environment, self._recorder)

    def _jump(self, frame: Frame, instruction: Instruction, receiver: str) -> Decision | None:
        """Go on at a Wireless Receiver of the same workspace (semantics 9)."""
        target = instruction.receivers.get(receiver)
        if target is None:
            raise receiver_missing(100)
        self._record(instruction, "", None)
        if instruction.guarded:
            self._end_guards(frame)
        frame.block = target
        return None

    def _record(
        self,
        instruction: Instruction,
        port: str,
        changes: dict[str, Any] | None,
        thrown: str = "",
    ) -> None:
        self._step_count += 1
        self._progress.steps.append(
            StepRecord(
                number=self._step_count,
                level=len(self._frames) - 1,
                block=instruction.key,
                at=self._since,
                duration=int((self._clock() - self._since) * 1_000_000),
                port=port,
                changes=changes or None,
                exception=thrown,
            )
        )

    # Workspaces --------------------------------------------------------------------------------

    def _enter(self, instruction: Instruction) -> Decision | None:
        self._record(instruction, "", None)
        failed = scopes.enter(self._frames, self._graph.workspaces[instruction.key])
        if failed:
            self._frames.pop()
            return self._raise(failed, instruction)
        changes = scopes.initial_changes(self._frames[-1], self._graph, self._recorder)
        self._progress.steps[-1].changes = changes
        return None

    def _leave_workspace(self, frame: Frame, instruction: Instruction) -> Decision | None:
        self._record(instruction, "", None)
        if len(self._frames) == 1 or frame.workspace == self._graph.flow_handler:
            return Finished(scopes.outputs(self._graph, self._frames[0]))
        self._frames.pop()
        return self._move(self._frames[-1], self.instruction, Port.BOTTOM)

    # Exceptions (semantics 31 to 46) -----------------------------------------------------------

    def _throw(
        self, thrown: ExceptionValue, instruction: Instruction, code: str = ""
    ) -> Decision | None:
        """Throw from a block instead of leaving it: its step ends on the exception port. `code` is
        the traceback of a defect."""
        self._environment.tasks = {}
        self._record(instruction, Port.EXCEPTION, self._recorder.take_unfinished(), thrown.type)
        return self._raise(thrown, instruction, code)

    def _raise(
        self, thrown: ExceptionValue, instruction: Instruction, code: str = ""
    ) -> Decision | None:
        """Record an exception of the last step, and find its handler."""
        step = self._step_count
        record = ThrownException(step, self._since, instruction.key, thrown, code)
        self._progress.thrown.append(record)
        if self._breaks_on_exception:
            return BrokeOnException(thrown, step)
        return self._route(thrown, step)

    def _route(self, thrown: ExceptionValue, step: int) -> Decision | None:
        """Move the token to the next handler of an exception: at the red port, in the workspace,
        at the Workspace block around it, of the flow (semantics 31)."""
        while True:
            frame = self._frames[-1]
            frame.exception = None
            if frame.deadline is not None or frame.semaphore:
                self._end_guards(frame)
            target = self._instructions[frame.block].ports.get(Port.EXCEPTION)
            workspace = self._graph.workspaces[frame.workspace]
            if target is None and workspace.handler and not frame.handler_used:
                frame.handler_used = True
                target = workspace.handler
            if target is not None:
                frame.block = target
                frame.exception = thrown
                frame.thrown_at = step
                return None
            if (handler := self._graph.flow_handler) and handler in (frame.workspace, frame.block):
                return Failed(thrown)
            if len(self._frames) == 1:
                return self._handle_in_flow(thrown, step)
            self._frames.pop()

    def _handle_in_flow(self, thrown: ExceptionValue, step: int) -> Decision | None:
        """Pass an exception to Handle Flow Exception. Without one the flow just ends, as with the
        original's default handler (semantics 42 to 44)."""
        handler = self._graph.flow_handler
        if not handler:
            return Finished(scopes.outputs(self._graph, self._frames[0]), thrown)
        self._progress.handled[step] = handler
        instruction = self._instructions[handler]
        self._frames[0].block = handler
        failed = scopes.enter(self._frames, self._graph.workspaces[handler])
        changes = scopes.initial_changes(self._frames[-1], self._graph, self._recorder)
        try:
            changes |= self._save(instruction, {"Exception": thrown})
            self._begin_guards(instruction, 0)
        except BlockException as unguarded:
            failed = failed or unguarded.value
        self._record(instruction, "", changes)
        return Failed(failed) if failed else None
