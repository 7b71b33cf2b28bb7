"""Step over: a Workspace block is one step, with all that is inside; a Run Flow block always is."""

from executions.commands.lifecycle.resuming import resumed
from executions.commands.request import Done, Order
from executions.store.debug import debugging


def execute(order: Order) -> Done | None:
    return resumed(debugging.run_over(order.execution.pk))
