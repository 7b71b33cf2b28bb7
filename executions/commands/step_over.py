"""Step over: a Workspace block is one step, with all that is inside; a Run Flow block always is."""

from executions.commands.order import Done, Order
from executions.commands.resuming import resumed
from executions.store.debug import debugging


def execute(order: Order) -> Done | None:
    return resumed(debugging.run_over(order.execution.pk))
