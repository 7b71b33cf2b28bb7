"""What a Semaphore property asks for (semantics 78 to 83). Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flows.blocks.errors import (
    BlockException,
    exception,
    invalid_property,
    out_of_range,
    property_empty,
    property_null,
)
from flows.blocks.scopes import require_name, scope_of
from flows.blocks.timeouts import LONGEST, milliseconds
from flows.values import summary

_INT32 = 2**31
#: Longest name of a semaphore.
NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Semaphore:
    """What a block asks for. `queued` waits, in the order of `priority`, for `timeout`
    milliseconds or, with None, for ever."""

    path: str
    limit: int
    queued: bool = False
    priority: int = 0
    timeout: float | None = None


def semaphore(value: Any, flow: str, now: datetime) -> Semaphore | None:
    """Return what a Semaphore property asks for in a flow, None for nothing (semantics 78 to 80,
    83).

    Raises PropertyNullException, PropertyEmptyException, PropertyValueOutOfRangeException,
    ArgumentException and InvalidPropertyValueException as BlockExceptions.
    """
    if value is None:
        return None
    _require_known(value, "Semaphore", ("Name", "Scope", "ConcurrencyLimit", "Queue"))
    name = _name(value.get("Name"))
    limit = _limit(value.get("ConcurrencyLimit", 0))
    scope = value.get("Scope")
    path = scope_of({} if scope is None else scope, flow, "Semaphore.Scope").path + name
    queue = value.get("Queue")
    if queue is None:
        return Semaphore(path, limit)
    timeout = _queue_timeout(queue, now)
    priority = _int32(queue.get("Priority", 0), "Priority")
    return Semaphore(path, limit, True, priority, timeout)


def _name(name: Any) -> str:
    if name is None:
        raise property_null("Semaphore.Name")
    if type(name) is not str:
        raise invalid_property("Semaphore", "Name is not a String.")
    if not name:
        raise property_empty("Semaphore.Name")
    return require_name("Semaphore.Name", name, NAME_LENGTH)


def _limit(value: Any) -> int:
    """A limit below 1, which 0 by default is, would let nobody in, ever (semantics 82)."""
    limit = _int32(value, "ConcurrencyLimit")
    if limit < 1:
        raise out_of_range("Semaphore.ConcurrencyLimit", limit, "1 or more")
    return limit


def _queue_timeout(queue: Any, now: datetime) -> float | None:
    """The milliseconds that a block waits in a Queue; None without a limit."""
    if type(queue) is not dict:
        raise invalid_property("Semaphore", "Queue is not a Structure.")
    _require_known(queue, "Semaphore.Queue", ("Priority", "QueueTimeout"))
    if queue.get("QueueTimeout") is None:
        return None
    length = milliseconds(queue["QueueTimeout"], now, "Semaphore.Queue.QueueTimeout")
    if not 0 <= length <= LONGEST:
        raise out_of_range("Semaphore.Queue.QueueTimeout", length, f"from 0 to {LONGEST}")
    return length


def _require_known(details: dict[Any, Any], name: str, known: tuple[str, ...]) -> None:
    for key in details:
        if key not in known:
            raise invalid_property("Semaphore", f"{summary(key)} is not a part of {name}.")


def _int32(value: Any, name: str) -> int:
    if type(value) is not int or not -_INT32 <= value < _INT32:
        raise invalid_property("Semaphore", f"{name} is not an Int32.")
    return value


def could_not_be_acquired(path: str, limit: int, *, queued: bool) -> BlockException:
    """Return the exception of a block that gets no semaphore. `limit` is that of whoever created
    the semaphore (semantics 81)."""
    waited = " while it waited in the queue" if queued else ""
    return exception(
        "SemaphoreCouldNotBeAcquiredException",
        f"The semaphore '{path}' could not be acquired{waited}: {limit} "
        f"{'block holds' if limit == 1 else 'blocks hold'} it.",
        extra={"Semaphore": path, "ConcurrencyLimit": limit, "Queued": queued},
    )
