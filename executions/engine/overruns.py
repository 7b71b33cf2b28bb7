"""Executions that ran away: the exceptions that they throw at a limit. Pure."""

from collections.abc import Mapping
from typing import Any

from executions.engine.interpreter import Interpreter
from executions.engine.state import Failed, Threw
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
    """End the execution. Nothing handles it: a handler in the loop would let it go on for ever."""
    problem = f"The execution has visited {MAX_BLOCKS:,} blocks."
    return interpreter.fail(exception("TooManyBlocksException", problem).value)


def thrown_after_deaths(
    interpreter: Interpreter,
    state: Mapping[str, Any],
    deaths: int,
    *,
    killed_by_alarm: bool,
    failed_turn: Mapping[str, Any] | None = None,
) -> Threw | None:
    """Return the exception for the token's block if that block is known to have killed its workers,
    else None.

    `deaths` of them have died in a row, the last one perhaps `killed_by_alarm`; or its turns have
    failed, and `failed_turn` says what went wrong in the last one. A token that is not placed yet
    is placed.

    The first may have died at any block of a batch that was never written down, unless that was
    an effect.
    """
    waits = state.get("waits")
    if failed_turn is not None:
        unfinished = waits is not None and waits["for"] == "effect" and not waits["again"]
        if deaths < (1 if unfinished else 2):
            return None
        _place(interpreter)
        return Threw(values.decode(failed_turn["exception"]), failed_turn["traceback"])
    if waits is not None and waits["for"] != "effect":
        return None
    if deaths < (2 if waits is None else 1):
        return None
    repeatable = waits is None or waits["again"]
    if not killed_by_alarm and (deaths < MAX_WORKER_DEATHS or not repeatable):
        return None
    _place(interpreter)
    return Threw(_timeout(interpreter) if killed_by_alarm else _worker_lost(interpreter, deaths))


def _place(interpreter: Interpreter) -> None:
    """Place the token without evaluating defaults: that is where it failed."""
    if not interpreter.frames:
        interpreter.place_on_start()


def effect_seconds(until: float, now: float) -> float:
    """Return how long an effect that times out at `until` may take before its process is ended:
    one that notices by itself that it is late gets to say so."""
    return min(EFFECT_SECONDS, until - now) + GRACE_SECONDS


def _timeout(interpreter: Interpreter) -> ExceptionValue:
    """Return what the block throws during which the alarm ended its process (semantics 76)."""
    frame = interpreter.frames[-1]
    limit = (EFFECT_SECONDS if interpreter.instruction.has_effect else BLOCK_SECONDS) * 1000
    return timeouts.timed_out(
        min(frame.timeout or limit, limit),
        execution=interpreter.environment.context.get("ExecutionId", ""),
        flow=interpreter.graph.name,
        workspace=frame.workspace,
        block=frame.block,
    ).value


def _worker_lost(interpreter: Interpreter, deaths: int) -> ExceptionValue:
    title = interpreter.instruction.node.title
    return exception(
        "WorkerLostException",
        f"{deaths} workers in a row have died at '{title}'. They may have run out of memory.",
    ).value


def interrupted(interpreter: Interpreter) -> ExceptionValue:
    """Return what the block throws whose worker died during an effect that must not be repeated."""
    title = interpreter.instruction.node.title
    return exception(
        "BlockInterruptedException",
        f"The worker died during '{title}', which must not be done twice. It is not known whether "
        "it was done.",
    ).value
