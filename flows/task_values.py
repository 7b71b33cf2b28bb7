"""The state of a task, and how expressions see it (semantics 68 to 70). Pure.

A variable holds a `TaskValue`, an id that never changes. Where an expression reads a task, the
interpreter asks its runner for the present state, puts it in the task's place (`expand`), and puts
the task back into whatever the expression gives (`collapse`).
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
    #: The texts that it keeps secret: so does an execution that takes its results.
    secret_texts: Iterable[str] = ()

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
#: The key by which `collapse` knows a task again.
_MARK = "$task"


def task_ids(value: Any) -> tuple[str, ...]:
    """Return the ids of the tasks in a value, each once."""
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


def expand(value: Any, states: States, *, marked: bool = True) -> Any:
    """Return a copy in which the tasks whose states are given are structures of their properties.
    Marked ones can be collapsed again."""
    kind = type(value)
    if kind is list:
        return [expand(item, states, marked=marked) for item in value]
    if kind is dict:
        return {key: expand(item, states, marked=marked) for key, item in value.items()}
    if kind is TaskValue and value.execution_id in states:
        properties = states[value.execution_id].as_structure(value.execution_id)
        return {_MARK: value.execution_id, **properties} if marked else properties
    return value


def collapse(value: Any, states: States) -> Any:
    """Return a copy with the tasks that `expand` has replaced."""
    kind = type(value)
    if kind is list:
        return [collapse(item, states) for item in value]
    if kind is dict:
        mark = value.get(_MARK)
        if type(mark) is str and mark in states:
            return TaskValue(mark)
        return {key: collapse(item, states) for key, item in value.items()}
    return value


def expanding_lookup(lookup: Callable[[str], Any], states: States) -> Callable[[str], Any]:
    """Return a lookup of variables that expands tasks."""
    return lambda name: expand(lookup(name), states)
