"""Stop: at once, or after the block under way; children that it waits for are stopped too."""

from executions import completion
from executions.commands.request import Done, Order


def execute(order: Order) -> Done | None:
    changed = completion.stop(order.execution.pk)
    return None if changed is None else Done(changed)
