"""Force stop: Stopped at once, and the worker's task is ended when it holds the execution, for a
block that won't return. What the block has done outside stays done.
"""

from executions.commands.request import Done, Order
from executions.completion import ended
from executions.dispatch import end_task
from executions.store.lifecycle import transitions


def execute(order: Order) -> Done | None:
    transitions.lock_family(order.execution.pk)  # in the order in which an end locks them
    stopped = transitions.force_stop(order.execution.pk)
    if stopped is None:
        return None
    event, holder = stopped
    task_id = holder.rpartition(":")[2]
    if task_id:
        end_task(task_id)
    return Done([event, *ended(event)], "its worker's task was ended" if task_id else "")
