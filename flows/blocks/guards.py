"""The properties that guard the visit of a block: Block Timeout and Semaphore (semantics 76 to 83).

Pure. The properties themselves are declared in `flows.blocks.base`; here is what their values mean.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any

from flows.blocks.errors import (
    BlockException,
    exception,
    invalid_argument,
    invalid_property,
    out_of_range,
    property_empty,
    property_null,
)
from flows.blocks.schedules.wait import add_period
from flows.values import is_plain_text, summary

_INT32 = 2**31 - 1
#: Longest name of a semaphore.
NAME_LENGTH = 200
#: The levels of a scope, each Current or All, with what counts when one is left out.
SCOPE = {"Tenant": "Current", "System": "Current", "Package": "Current", "Flow": "All"}


@dataclass(frozen=True, slots=True)
class Semaphore:
    """What a block asks for. `queued` waits, in the order of `priority`, for `timeout`
    milliseconds or, with None, for ever."""

    path: str
    limit: int
    queued: bool = False
    priority: int = 0
    timeout: float | None = None


def milliseconds(period: Any, now: datetime, name: str) -> float:
    """The length of a TimePeriod from now on; a number is milliseconds already. Infinite where it
    leads beyond the calendar.

    Raises InvalidPropertyValueException of the property `name` as a BlockException.
    """
    if type(period) is int:
        return float(period) if abs(period) < 2**63 else inf if period > 0 else -inf
    if type(period) is float:
        if period != period:
            raise invalid_property(name, "NaN is not a TimePeriod.")
        return period
    try:
        return (add_period(now, period, name) - now) / timedelta(milliseconds=1)
    except BlockException as thrown:
        if thrown.value.short_type != "ArgumentOutOfRangeException":
            raise
        return inf


def timeout(period: Any, now: datetime) -> float:
    """The milliseconds of a Block Timeout, 0 for none (semantics 76).

    Raises InvalidBlockTimeoutException and InvalidPropertyValueException as a BlockException.
    """
    if period is None:
        return 0
    length = milliseconds(period, now, "Block Timeout")
    if not 0 <= length <= _INT32:
        shown = f"{length:.0f}" if abs(length) < 10**15 else "too many"
        raise exception(
            "InvalidBlockTimeoutException",
            f"The Block Timeout is {shown} milliseconds; it must be from 0 to {_INT32}.",
        )
    return length


def semaphore(value: Any, flow: str, now: datetime) -> Semaphore | None:
    """What a Semaphore property asks for in a flow, None for nothing (semantics 78 to 80, 83).

    Raises PropertyNullException, PropertyEmptyException, PropertyValueOutOfRangeException,
    ArgumentException and InvalidPropertyValueException as BlockExceptions. A ConcurrencyLimit below
    1, which 0 by default is, would let nobody in, ever: it is out of range (semantics 82).
    """
    if value is None:
        return None
    _only(value, "Semaphore", ("Name", "Scope", "ConcurrencyLimit", "Queue"))
    name = value.get("Name")
    if name is None:
        raise property_null("Semaphore.Name")
    if type(name) is not str:
        raise invalid_property("Semaphore", "Name is not a String.")
    if not name:
        raise property_empty("Semaphore.Name")
    if len(name) > NAME_LENGTH:
        raise out_of_range("Semaphore.Name", name, f"at most {NAME_LENGTH} characters long")
    if not is_plain_text(name):
        wanted = "without NUL and without half of a character (a lone surrogate)"
        raise out_of_range("Semaphore.Name", name, wanted)
    limit = _int32(value.get("ConcurrencyLimit", 0), "ConcurrencyLimit")
    if limit < 1:
        raise out_of_range("Semaphore.ConcurrencyLimit", limit, "1 or more")
    path = _path(value.get("Scope"), flow) + name
    queue = value.get("Queue")
    if queue is None:
        return Semaphore(path, limit)
    if type(queue) is not dict:
        raise invalid_property("Semaphore", "Queue is not a Structure.")
    _only(queue, "Semaphore.Queue", ("Priority", "QueueTimeout"))
    length = None
    if queue.get("QueueTimeout") is not None:
        length = milliseconds(queue["QueueTimeout"], now, "Semaphore.Queue.QueueTimeout")
        if not 0 <= length <= _INT32:
            raise out_of_range("Semaphore.Queue.QueueTimeout", length, f"from 0 to {_INT32}")
    priority = _int32(queue.get("Priority", 0), "Priority")
    return Semaphore(path, limit, True, priority, length)


def _path(scope: Any, flow: str) -> str:
    """Scopes of one tenant, system and package, which is all there is: what is Current there has
    one name (semantics 83)."""
    if scope is not None and type(scope) is not dict:
        raise invalid_property("Semaphore", "Scope is not a Structure.")
    levels = SCOPE | (scope or {})
    _only(levels, "Semaphore.Scope", tuple(SCOPE))
    parts = {}
    for level, option in levels.items():
        chosen = option.rpartition(".")[2].casefold() if type(option) is str else ""
        if chosen not in ("current", "all"):
            raise invalid_argument(
                f"Semaphore.Scope.{level}", f"{summary(option)} is not Current or All."
            )
        here = flow if level == "Flow" else "default"
        parts[level] = here if chosen == "current" else "*"
    return f"/{parts['Tenant']}/{parts['System']}/*/{parts['Package']}/*/{parts['Flow']}/"


def _only(given: dict[Any, Any], name: str, known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            raise invalid_property("Semaphore", f"{summary(key)} is not a part of {name}.")


def _int32(value: Any, name: str) -> int:
    if type(value) is not int or not -_INT32 - 1 <= value <= _INT32:
        raise invalid_property("Semaphore", f"{name} is not an Int32.")
    return value


def could_not_be_acquired(path: str, limit: int, *, queued: bool) -> BlockException:
    """`limit` is that of whoever created the semaphore (semantics 81)."""
    waited = " while it waited in the queue" if queued else ""
    return exception(
        "SemaphoreCouldNotBeAcquiredException",
        f"The semaphore '{path}' could not be acquired{waited}: {limit} "
        f"{'block holds' if limit == 1 else 'blocks hold'} it.",
        extra={"Semaphore": path, "ConcurrencyLimit": limit, "Queued": queued},
    )


def timed_out(
    length: float, *, execution: str, flow: str, workspace: str, block: str
) -> BlockException:
    return exception(
        "BlockTimeoutException",
        f"The block has timed out after {length:g} milliseconds.",
        extra={
            "BlockTimeout": timedelta(milliseconds=length),
            "ExecutionId": execution,
            "FlowId": flow,
            "WorkspaceId": workspace,
            "BlockId": block,
        },
    )
