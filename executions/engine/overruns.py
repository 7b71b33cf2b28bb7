"""Executions that ran away: what they throw where one of their limits ends them. Pure."""

from collections.abc import Mapping
from typing import Any

from executions.engine.interpreter import Interpreter
from executions.engine.state import Failed, Frame, Threw, Thrown
from executions.limits import (
    BLOCK_SECONDS,
    EFFECT_SECONDS,
    GRACE_SECONDS,
    MAX_BLOCKS,
    MAX_WORKER_DEATHS,
)
from flows import values
from flows.blocks import timeouts
from flows.blocks.errors import exception
from flows.values import ExceptionValue


def too_many_blocks(interpreter: Interpreter) -> Failed:
    """Ends the execution. Nothing handles it: a handler in the loop would let it go on for ever."""
    thrown = exception(
        "TooManyBlocksException", f"The execution has visited {MAX_BLOCKS:,} blocks."
    ).value
    block = interpreter.frames[-1].block
    now = interpreter.clock()
    interpreter.progress.thrown.append(Thrown(interpreter.step_count, now, block, thrown))
    return Failed(thrown)


def died(
    interpreter: Interpreter,
    state: Mapping[str, Any],
    deaths: int,
    *,
    late: bool,
    broke: Mapping[str, Any] | None = None,
) -> Threw | None:
    """What the block on which the token stands throws, when it is known to end its workers: so many
    in a row have died, the last of them `late`; or when its turns have failed, the last one by what
    `broke`. A token that is not placed yet is placed.

    The first may have died at any block of a batch that was never written down, unless that was
    an effect.
    """
    waits = state.get("waits")
    if broke is not None:
        unfinished = waits is not None and waits["for"] == "effect" and not waits["again"]
        if deaths < (1 if unfinished else 2):
            return None
        _place(interpreter)
        return Threw(values.decode(broke["exception"]), broke["traceback"])
    if waits is not None and waits["for"] != "effect":
        return None
    if deaths < (2 if waits is None else 1):
        return None
    again = waits is None or waits["again"]
    if not late and (deaths < MAX_WORKER_DEATHS or not again):
        return None
    _place(interpreter)
    return Threw(_late(interpreter) if late else _worker_lost(interpreter, deaths))


def _place(interpreter: Interpreter) -> None:
    """Defaults are not evaluated: that is where it failed."""
    if not interpreter.frames:
        interpreter.frames = [Frame(workspace="", block=interpreter.graph.top.start)]


def effect_seconds(until: float, now: float) -> float:
    """How long an effect may take, that ought to be done by `until`, before its process is ended:
    one that notices by itself that it is late gets to say so."""
    return min(EFFECT_SECONDS, until - now) + GRACE_SECONDS


def _late(interpreter: Interpreter) -> ExceptionValue:
    """What the block throws during which the alarm ended its process (semantics 76)."""
    frame = interpreter.frames[-1]
    has_effect = interpreter.program.instructions[frame.block].has_effect
    limit = (EFFECT_SECONDS if has_effect else BLOCK_SECONDS) * 1000
    return timeouts.timed_out(
        min(frame.timeout or limit, limit),
        execution=interpreter.context.get("ExecutionId", ""),
        flow=interpreter.graph.name,
        workspace=frame.workspace,
        block=frame.block,
    ).value


def _worker_lost(interpreter: Interpreter, deaths: int) -> ExceptionValue:
    title = interpreter.graph.blocks[interpreter.frames[-1].block].title
    return exception(
        "WorkerLostException",
        f"{deaths} workers in a row have died at '{title}', as by running out of memory.",
    ).value


def interrupted(interpreter: Interpreter) -> ExceptionValue:
    """What the block throws whose worker died during an effect that must not be repeated."""
    title = interpreter.graph.blocks[interpreter.frames[-1].block].title
    return exception(
        "BlockInterruptedException",
        f"The worker died during '{title}', which must not be done twice. Whether it was done is "
        "not known.",
    ).value
