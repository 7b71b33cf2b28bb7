"""Cancelling tasks: stopping the executions that Run Flow Async has started."""

from flows.blocks.base import AwaitTasks, Block, Visit
from flows.blocks.tasks.wait import MANY, ONE, require_tasks


class CancelTask(Block):
    """Stops the execution of a task, and waits until it has stopped (semantics 74).

    Does nothing to a task that is completed. One that cannot be stopped in time keeps the block
    that it is in waiting.
    """

    type = "Cancel Task"
    palette = "Tasks"
    icon = "stop"
    properties = (ONE,)

    def run(self, visit: Visit) -> AwaitTasks:
        return AwaitTasks((visit.inputs["Task"],), cancel=True)


class CancelAllTasks(Block):
    """Stops the executions of several tasks, and waits until they have stopped (semantics 74).

    Does nothing to tasks that are completed.
    """

    type = "Cancel All Tasks"
    palette = "Tasks"
    icon = "stop"
    properties = (MANY,)
    throws = ("PropertyContainsNullItemException",)

    def run(self, visit: Visit) -> AwaitTasks:
        return AwaitTasks(require_tasks(visit.inputs["Tasks"]), cancel=True)
