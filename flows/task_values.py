"""What has become of a task, and how expressions see it (semantics 68 to 70). Pure.

A variable holds a `TaskValue`, an id that never changes. Where an expression reads a task, the
interpreter asks its runner for the present state, puts it in the task's place (`shown`), and puts
the task back into whatever the expression gives (`hidden`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flows.values import ExceptionValue, TaskValue


class TaskStatus(StrEnum):
    RUNNING = "Running"
    RAN_TO_COMPLETION = "RanToCompletion"
    FAULTED = "Faulted"
    CANCELLED = "Cancelled"


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task at one moment: outputs when it ran to completion, the exception when it failed or
    was cancelled."""

    status: TaskStatus
    outputs: Mapping[str, Any] | None = None
    exception: ExceptionValue | None = None
    #: The texts that it keeps to itself: so does whoever takes what it left.
    known: Iterable[str] = ()

    @property
    def is_completed(self) -> bool:
        return self.status is not TaskStatus.RUNNING

    def as_structure(self, execution_id: str) -> dict[str, Any]:
        """The properties of a task. One that was cancelled is faulted too (semantics 69)."""
        faulted = self.exception is not None
        return {
            "ExecutionId": execution_id,
            "Id": execution_id,
            "Status": self.status.value,
            "IsCompleted": self.is_completed,
            "IsCompletedSuccessfully": self.is_completed and not faulted,
            "IsFaulted": faulted,
            "IsCancelled": self.status is TaskStatus.CANCELLED,
            "Exception": self.exception,
        }


States = Mapping[str, TaskState]
#: The key by which `hidden` knows a task again.
_MARK = "$task"


def found(value: Any) -> tuple[str, ...]:
    """The ids of the tasks in a value, each once."""
    ids: dict[str, None] = {}
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if type(item) is TaskValue:
            ids[item.execution_id] = None
        elif type(item) is list:
            waiting += item
        elif type(item) is dict:
            waiting += item.values()
    return tuple(ids)


def shown(value: Any, states: States, *, marked: bool = True) -> Any:
    """A copy in which the tasks whose states are given are structures of their properties; marked
    ones can be `hidden` again."""
    kind = type(value)
    if kind is list:
        return [shown(item, states, marked=marked) for item in value]
    if kind is dict:
        return {key: shown(item, states, marked=marked) for key, item in value.items()}
    if kind is TaskValue and value.execution_id in states:
        properties = states[value.execution_id].as_structure(value.execution_id)
        return {_MARK: value.execution_id, **properties} if marked else properties
    return value


def hidden(value: Any, states: States) -> Any:
    """The inverse of `shown`."""
    kind = type(value)
    if kind is list:
        return [hidden(item, states) for item in value]
    if kind is dict:
        mark = value.get(_MARK)
        if type(mark) is str and mark in states:
            return TaskValue(mark)
        return {key: hidden(item, states) for key, item in value.items()}
    return value


def showing(lookup: Callable[[str], Any], states: States) -> Callable[[str], Any]:
    """A lookup of variables that shows tasks."""
    return lambda name: shown(lookup(name), states)
