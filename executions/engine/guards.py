"""What guards the visit of a block: a semaphore that it holds, a time by which it must be done.

Pure. A token carries both for as long as it stands on the block: a Workspace block's token does so
for the whole visit of its workspace (semantics 76, 82).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import inf
from typing import Any

from executions.engine import reading
from executions.engine.program import Instruction
from executions.engine.state import Acquire, Frame, Progress
from flows.blocks import semaphores, timeouts
from flows.graph import FlowGraph
from flows.task_values import States
from flows.values import ExceptionValue


def begin(
    graph: FlowGraph,
    instruction: Instruction,
    frames: list[Frame],
    level: int,
    context: dict[str, Any],
    states: States,
    now: float,
) -> Acquire | None:
    """Ask for the block's semaphore, or begin its time: waiting for the semaphore does not count
    (semantics 76 to 80). Raises BlockException and TasksRead."""
    frame = frames[level]
    semaphore, timeout = reading.guards(instruction, frames, context, states)
    moment = datetime.fromtimestamp(now, UTC)
    if not frame.semaphore:
        asked = semaphores.semaphore(semaphore, graph.name, moment)
        if asked is not None:
            return Acquire(asked)
    length = timeouts.timeout(timeout, moment)
    if length and frame.deadline is None:
        frame.timeout = length
        frame.deadline = now + length / 1000
    return None


def earliest(frames: list[Frame]) -> float:
    """By when the first of the visits under way must be done, in seconds since the epoch."""
    return min((frame.deadline for frame in frames if frame.deadline is not None), default=inf)


def late(frames: list[Frame], now: float) -> Frame | None:
    """The token whose block has run out of time, the first when several have."""
    over = [frame for frame in frames if frame.deadline is not None and frame.deadline <= now]
    return min(over, key=lambda frame: frame.deadline or 0.0, default=None)


def lift(frame: Frame, level: int, progress: Progress) -> bool:
    """The token leaves its block: whether it gives a semaphore up by that."""
    frame.deadline = None
    frame.timeout = 0.0
    if not frame.semaphore:
        return False
    frame.semaphore = ""
    progress.released.append(level)
    return True


def timed_out(graph: FlowGraph, frame: Frame, context: Mapping[str, Any]) -> ExceptionValue:
    """What the block throws on which the token stands (semantics 76)."""
    return timeouts.timed_out(
        frame.timeout,
        execution=context.get("ExecutionId", ""),
        flow=graph.name,
        workspace=frame.workspace,
        block=frame.block,
    ).value
