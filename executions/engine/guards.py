"""The guards of a visit: a semaphore that the token holds, and a time by which it must be done.

Pure. A token carries both for as long as it stands on the block: the token of a Workspace block
does so for the whole visit of its workspace (semantics 76, 82).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import inf
from typing import Any

from executions.engine import reading
from executions.engine.environment import Environment
from executions.engine.program import Instruction
from executions.engine.state import Acquire, Frame
from executions.limits import BLOCK_SECONDS
from flows.blocks import semaphores, timeouts
from flows.graph import FlowGraph
from flows.values import ExceptionValue

#: The longest that a block without an effect may take, in seconds.
_LONGEST = BLOCK_SECONDS * 0.8


def begin(
    flow: str, instruction: Instruction, environment: Environment, level: int, now: float
) -> Acquire | None:
    """Ask for the block's semaphore, or begin its time: waiting for the semaphore does not count
    (semantics 76 to 80). Raises BlockException and TaskStateNeeded."""
    frame = environment.frames[level]
    semaphore, timeout = reading.guards(instruction, environment)
    moment = datetime.fromtimestamp(now, UTC)
    if not frame.semaphore:
        asked = semaphores.semaphore(semaphore, flow, moment)
        if asked is not None:
            return Acquire(asked)
    length = timeouts.timeout(timeout, moment)
    if length and frame.deadline is None:
        frame.timeout = length
        frame.deadline = now + length / 1000
    return None


def earliest_deadline(frames: Sequence[Frame]) -> float:
    """Return when the first of the visits under way times out, in seconds since the epoch."""
    return min((frame.deadline for frame in frames if frame.deadline is not None), default=inf)


def timed_out_frame(frames: Sequence[Frame], now: float) -> Frame | None:
    """Return the token whose block has run out of time; the first one when several have."""
    over = [frame for frame in frames if frame.deadline is not None and frame.deadline <= now]
    return min(over, key=lambda frame: frame.deadline or 0.0, default=None)


def end(frame: Frame) -> bool:
    """Take the guards off a token that leaves its block; return whether it held a semaphore."""
    frame.deadline = None
    frame.timeout = 0.0
    held = bool(frame.semaphore)
    frame.semaphore = ""
    return held


def seconds(frame: Frame) -> float:
    """Return how long a block without an effect may take: its Block Timeout, and less than until
    its process is ended, so that one that notices by itself that it is late gets to say so."""
    return min(frame.timeout / 1000, _LONGEST) if frame.timeout else _LONGEST


def timeout_exception(graph: FlowGraph, frame: Frame, context: Mapping[str, Any]) -> ExceptionValue:
    """Return what the block throws on which the token stands (semantics 76)."""
    return timeouts.timed_out(
        frame.timeout,
        execution=context.get("ExecutionId", ""),
        flow=graph.name,
        workspace=frame.workspace,
        block=frame.block,
    ).value
