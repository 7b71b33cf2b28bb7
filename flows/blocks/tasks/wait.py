"""Waiting for tasks: executions that Run Flow Async has started."""

from collections.abc import Sequence
from typing import Any

from flows.blocks.base import AwaitTasks, Block, Direction, Leave, Property, Visit
from flows.blocks.errors import HELP, BlockException, contains_null, exception
from flows.task_values import TaskState
from flows.values import TaskValue

ONE = Property("Task", "ITask<TResult>", required=True)
MANY = Property("Tasks", "IList<ITask<TResult>>", required=True, nonempty=True)


def require_tasks(tasks: Any) -> tuple[TaskValue, ...]:
    """The tasks of a Tasks property. Raises PropertyContainsNullItemException."""
    if None in tasks:
        raise contains_null("Tasks")
    return tuple(tasks)


class WaitForTask(Block):
    """Waits until a task is completed, and gives its flow's outputs as a structure (semantics 72).

    The exception that the task failed with is thrown here as it is; for a task that was cancelled
    that is FlowExecutionStoppedException.
    """

    type = "Wait For Task"
    palette = "Tasks"
    icon = "wait"
    properties = (ONE, Property("Result", "TResult", Direction.OUTPUT))
    throws = ("FlowExecutionStoppedException", "TaskNotFoundException")

    def run(self, visit: Visit) -> AwaitTasks:
        return AwaitTasks((visit.inputs["Task"],))

    def resume(self, visit: Visit, result: Sequence[TaskState]) -> Leave:
        (state,) = result
        if state.exception is not None:
            raise BlockException(state.exception)
        return Leave(outputs={"Result": state.outputs})


class WaitForAllTasks(Block):
    """Waits until all tasks are completed, and lists their outputs in the order of Tasks
    (semantics 73).

    It waits for all of them even when one has failed. Then Results stays as it is.
    """

    type = "Wait For All Tasks"
    palette = "Tasks"
    icon = "wait"
    properties = (MANY, Property("Results", "IList<TResult>", Direction.OUTPUT))
    throws = ("PropertyContainsNullItemException", "AggregateTaskException")

    def run(self, visit: Visit) -> AwaitTasks:
        return AwaitTasks(require_tasks(visit.inputs["Tasks"]))

    def resume(self, visit: Visit, result: Sequence[TaskState]) -> Leave:
        failed = {n: state.exception for n, state in enumerate(result) if state.exception}
        if failed:
            raise exception(
                "AggregateTaskException",
                "One or more tasks that were being waited on threw an exception. Details of the "
                f"exceptions can be found in the TaskExceptions property.{HELP}",
                extra={"TaskExceptions": failed},
            )
        return Leave(outputs={"Results": [state.outputs for state in result]})
