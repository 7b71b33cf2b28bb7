"""The interpreter: moves the token of one execution block by block.

Pure: no Django, no I/O, no randomness; the clock is an argument. `advance` takes an event and runs
until something outside is needed, and says what. What happened meanwhile is in `progress`, what
changed in the frames.
"""

import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from math import inf
from typing import Any

from executions.engine import guards, reading, scopes, secrets
from executions.engine.program import EXTENSIONS, Instruction, compile_program, reader
from executions.engine.state import (
    Acquired,
    Await,
    Broke,
    Decision,
    Event,
    Failed,
    Finished,
    Frame,
    Go,
    Logged,
    LookUp,
    Perform,
    Performed,
    Progress,
    Resumed,
    Route,
    Seen,
    StartChild,
    StepDone,
    Threw,
    Thrown,
    TimedOut,
    Wait,
    Yielded,
)
from flows import values
from flows.blocks.base import (
    AwaitTasks,
    Effect,
    EndExecution,
    EnterWorkspace,
    JumpTo,
    Leave,
    LeaveWorkspace,
    Outcome,
    Port,
    RunChild,
    Visit,
    WaitUntil,
)
from flows.blocks.errors import (
    BlockException,
    port_not_connected,
    receiver_missing,
    unexpected,
    untranslatable,
)
from flows.expressions import TasksRead
from flows.graph import FlowGraph
from flows.task_values import TaskState
from flows.values import ExceptionValue


class Interpreter:
    """One execution in memory.

    `frames` are its tokens, outermost first; `step_count` the number of its last step; `since`
    when the block under way (an effect, a wait) was entered, in seconds since the epoch; `known`
    are texts that are known to be secret.
    """

    def __init__(
        self,
        graph: FlowGraph,
        clock: Callable[[], float],
        frames: list[Frame] | None = None,
        step_count: int = 0,
        context: Mapping[str, Any] | None = None,
        known: Iterable[str] = (),
    ) -> None:
        self.graph = graph
        self.program = compile_program(graph)
        self.clock = clock
        self.frames: list[Frame] = frames or []
        self.step_count = step_count
        self.context = dict(context or {})
        self.since = 0.0
        #: Whether `Broke` is decided where something throws.
        self.breaks_on_exception = False
        self.progress = Progress(secrets=secrets.of(self.program.secrets, known, self.frames))
        #: By when the first of the visits under way must be done.
        self.deadline = guards.earliest(self.frames)
        #: When this `advance` has to return, and when it looks up from its blocks at the latest.
        self._limit = self._until = inf
        #: What has become of the tasks that the visit under way reads (semantics 68).
        self.tasks: dict[str, TaskState] = {}
        #: What `begin` came to already.
        self._begun: Decision | None = None

    @property
    def extensions(self) -> dict[str, Any]:
        """What the flow wrote to `_executionContext.Extensions` (semantics 30)."""
        return dict(self.frames[0].variables.get(EXTENSIONS, {}))

    def begin(self, inputs: Mapping[str, Any], extensions: Mapping[str, Any] | None = None) -> None:
        """Place the token on Start Flow, with inputs and defaults in its variables, and the
        extensions that a parent had when it started this execution.

        Inputs were held against the flow before (`flows.validation.check_inputs`). A default that
        fails is thrown by Start Flow (semantics 22).
        """
        given = {name.casefold(): value for name, value in inputs.items()}
        top = self.graph.top
        self.frames = [frame := Frame(workspace="", block=top.start)]
        if extensions:
            frame.variables[EXTENSIONS] = values.copy(dict(extensions))
            frame.changed.add(EXTENSIONS)
        failed = scopes.initialise(frame, top, given)
        self.progress.saved = scopes.begun(self.frames, self.graph, self.progress)
        if failed:
            self.since = self.clock()
            self._begun = self._throw(failed, self.program.instructions[top.start])

    def advance(self, event: Event, *, blocks: int, until: float) -> Decision:
        """Run until something outside is needed, at most `blocks` visits, not past `until`."""
        decision, self._begun, self._limit = self._begun, None, until
        if not isinstance(event, Go):
            decision = self._guarded(self._take, event)
            blocks -= 1
        self._until = min(self._limit, self.deadline)
        while decision is None:
            if blocks <= 0 or self.clock() >= self._until:
                if blocks <= 0 or self.clock() < self.deadline:
                    break
                self.since = self.clock()
                decision = self._guarded(self._time_out)
            else:
                decision = self._guarded(self._visit)
            blocks -= 1
        return Yielded() if decision is None else decision

    def _guarded(self, part: Callable[..., Decision | None], *given: Any) -> Decision | None:
        """What a block raises is thrown in the flow. So is a defect of a block, or a value too deep
        to copy: it must not come back at every attempt to run the execution."""
        try:
            return part(*given)
        except TasksRead as met:
            return LookUp(met.ids)
        except BlockException as thrown:
            return self._throw(thrown.value, self._instruction())
        except Exception as problem:
            return self._throw(unexpected(problem), self._instruction(), traceback.format_exc())

    def _take(self, event: Event) -> Decision | None:
        match event:
            case Performed(outputs):
                return self._finish(Leave(outputs=outputs))
            case Resumed(result):
                visit = Visit({}, now=self._now)
                return self._finish(self._instruction().block.resume(visit, result))
            case Route(thrown, step):
                return self._route(thrown, step)
            case Threw(thrown, told):
                return self._throw(thrown, self._instruction(), told)
            case Seen(states):
                self.tasks |= states
                return None
            case Acquired(path):
                self.frames[-1].semaphore = path
                return None
            case TimedOut():
                return self._time_out()
            case Go():
                return None

    # A visit ---------------------------------------------------------------------------------

    def _instruction(self) -> Instruction:
        return self.program.instructions[self.frames[-1].block]

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def _visit(self) -> Decision | None:
        frame = self.frames[-1]
        instruction = self.program.instructions[frame.block]
        block = instruction.block
        self.since = self.clock()
        if instruction.problem:
            raise untranslatable(instruction.problem)
        if instruction.guarded and (asked := self._guard(instruction, len(self.frames) - 1)):
            return asked
        given = reading.properties(instruction, self.frames, self.context, self.tasks)
        if self.tasks:
            self.tasks = {}
        if instruction.has_effect:
            again = block.effect_of(given) is Effect.REPEATABLE
            return Perform(instruction.key, given, again, self.deadline)
        kept = frame.kept.get(instruction.key)
        return self._finish(block.run(Visit(given, kept, frame.exception, self._now)))

    def _finish(self, outcome: Outcome) -> Decision | None:
        frame = self.frames[-1]
        instruction = self.program.instructions[frame.block]
        match outcome:
            case Leave():
                if frame.deadline is not None and self.clock() >= frame.deadline:
                    return self._time_out()
                return self._leave(frame, instruction, outcome)
            case RunChild(flow, inputs, awaited):
                return StartChild(flow, values.copy(inputs), awaited)
            case AwaitTasks(listed, cancel):
                return Await(tuple(task.execution_id for task in listed), cancel)
            case WaitUntil(at):
                return Wait(at)
            case EnterWorkspace():
                return self._enter(instruction)
            case JumpTo(receiver):
                return self._jump(frame, instruction, receiver)
            case LeaveWorkspace():
                return self._leave_workspace(frame, instruction)
            case EndExecution():
                self._record(instruction, "", None)
                return Finished(scopes.outputs(self.graph, self.frames[0]))

    def _guard(self, instruction: Instruction, level: int) -> Decision | None:
        """Hold the semaphore of a token's block, then begin its time. Raises BlockException."""
        known = (self.context, self.tasks, self.since)
        asked = guards.begin(self.graph, instruction, self.frames, level, *known)
        self.deadline = guards.earliest(self.frames)
        self._until = min(self._limit, self.deadline)
        return asked

    def _lift(self, frame: Frame) -> None:
        """The innermost token leaves its block."""
        if guards.lift(frame, len(self.frames) - 1, self.progress):
            # Whoever waits for the semaphore must not wait for the next checkpoint too.
            self._limit = 0.0
        self.deadline = guards.earliest(self.frames)
        self._until = min(self._limit, self.deadline)

    def _time_out(self) -> Decision | None:
        """Throw BlockTimeoutException at the block whose time is over, and leave the workspaces
        that it had opened (semantics 76)."""
        frame = guards.late(self.frames, self.clock())
        if frame is None:
            return None
        while self.frames[-1] is not frame:
            self._lift(self.frames[-1])
            self.frames.pop()
        return self._throw(guards.timed_out(self.graph, frame, self.context), self._instruction())

    def _leave(self, frame: Frame, instruction: Instruction, outcome: Leave) -> Decision | None:
        changes = self._save(instruction, outcome.outputs) if outcome.outputs else None
        if not self.step_count:  # The first step also tells what its flow begins with.
            changes = (self.progress.take_saved() or {}) | (changes or {})
        key = instruction.key
        if outcome.keep is not None:
            frame.kept[key] = outcome.keep
        elif frame.kept.pop(key, None) is not None or instruction.block.keeps_items:
            held = f"items:{key}"
            if frame.variables.pop(held, None) is not None:
                frame.changed.add(held)
        self._record(instruction, outcome.port, changes)
        if outcome.log:
            self.progress.logged.append(Logged(self.step_count, self.since, key, outcome.log))
        if frame.exception is not None:
            if outcome.port is Port.EXCEPTION:
                # A handler that does not match passes on what was thrown before (semantics 32).
                return self._route(frame.exception, frame.thrown_at)
            self.progress.handled[frame.thrown_at] = key
            frame.exception = None
        return self._move(frame, instruction, outcome.port)

    def _move(self, frame: Frame, instruction: Instruction, port: Port) -> Decision | None:
        if instruction.guarded:
            self._lift(frame)
        target = instruction.ports.get(port)
        if target is not None:
            frame.block = target
            return None
        return self._raise(port_not_connected(port, instruction.node.title).value, instruction)

    def _save(self, instruction: Instruction, outputs: Mapping[str, Any]) -> dict[str, Any]:
        lookup = reader(instruction, self.frames, self.context) if instruction.saves_parts else None
        return scopes.save(self.frames, self.progress, instruction, outputs, lookup)

    def _jump(self, frame: Frame, instruction: Instruction, receiver: str) -> Decision | None:
        """Go on at a Wireless Receiver of the same workspace (semantics 9)."""
        target = instruction.receivers.get(receiver)
        if target is None:
            raise receiver_missing(100)
        self._record(instruction, "", None)
        if instruction.guarded:
            self._lift(frame)
        frame.block = target
        return None

    def _record(
        self,
        instruction: Instruction,
        port: str,
        changes: dict[str, Any] | None,
        thrown: str = "",
    ) -> None:
        self.step_count += 1
        self.progress.steps.append(
            StepDone(
                number=self.step_count,
                level=len(self.frames) - 1,
                block=instruction.key,
                at=self.since,
                duration=int((self.clock() - self.since) * 1_000_000),
                port=port,
                changes=changes or None,
                exception=thrown,
            )
        )

    # Workspaces ------------------------------------------------------------------------------

    def _enter(self, instruction: Instruction) -> Decision | None:
        self._record(instruction, "", None)
        failed = scopes.enter(self.frames, self.graph.workspaces[instruction.key])
        if failed:
            self.frames.pop()
            return self._raise(failed, instruction)
        self.progress.steps[-1].changes = scopes.begun(self.frames, self.graph, self.progress)
        return None

    def _leave_workspace(self, frame: Frame, instruction: Instruction) -> Decision | None:
        self._record(instruction, "", None)
        if len(self.frames) == 1 or frame.workspace == self.graph.flow_handler:
            return Finished(scopes.outputs(self.graph, self.frames[0]))
        self.frames.pop()
        return self._move(self.frames[-1], self._instruction(), Port.BOTTOM)

    # Exceptions (semantics 31 to 46) ---------------------------------------------------------

    def _throw(
        self, thrown: ExceptionValue, instruction: Instruction, told: str = ""
    ) -> Decision | None:
        """A block throws instead of leaving: its step ends on the exception port. `told` is the
        traceback of a defect."""
        self.tasks = {}
        self._record(instruction, Port.EXCEPTION, self.progress.take_saved(), thrown.type)
        return self._raise(thrown, instruction, told)

    def _raise(
        self, thrown: ExceptionValue, instruction: Instruction, told: str = ""
    ) -> Decision | None:
        """Keep an exception of the step just recorded, and find its handler."""
        step = self.step_count
        self.progress.thrown.append(Thrown(step, self.since, instruction.key, thrown, told))
        if self.breaks_on_exception:
            return Broke(thrown, step)
        return self._route(thrown, step)

    def _route(self, thrown: ExceptionValue, step: int) -> Decision | None:
        """Move the token to the handler that is next for an exception: at the red port, in the
        workspace, at the Workspace block around it, of the flow (semantics 31)."""
        while True:
            frame = self.frames[-1]
            frame.exception = None
            if frame.deadline is not None or frame.semaphore:
                self._lift(frame)
            target = self.program.instructions[frame.block].ports.get(Port.EXCEPTION)
            workspace = self.graph.workspaces[frame.workspace]
            if target is None and workspace.handler and not frame.handler_used:
                frame.handler_used = True
                target = workspace.handler
            if target is not None:
                frame.block = target
                frame.exception = thrown
                frame.thrown_at = step
                return None
            if (handler := self.graph.flow_handler) and handler in (frame.workspace, frame.block):
                return Failed(thrown)
            if len(self.frames) == 1:
                return self._handle_in_flow(thrown, step)
            self.frames.pop()

    def _handle_in_flow(self, thrown: ExceptionValue, step: int) -> Decision | None:
        """Pass an exception to Handle Flow Exception; without one the flow just ends, as with
        the original's default handler (semantics 42 to 44)."""
        handler = self.graph.flow_handler
        if not handler:
            return Finished(scopes.outputs(self.graph, self.frames[0]), thrown)
        self.progress.handled[step] = handler
        instruction = self.program.instructions[handler]
        self.frames[0].block = handler
        failed = scopes.enter(self.frames, self.graph.workspaces[handler])
        changes = scopes.begun(self.frames, self.graph, self.progress)
        try:
            changes |= self._save(instruction, {"Exception": thrown})
            self._guard(instruction, 0)
        except BlockException as unguarded:
            failed = failed or unguarded.value
        self._record(instruction, "", changes)
        return Failed(failed) if failed else None
