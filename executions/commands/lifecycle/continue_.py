"""Continue: run on until an end, a breakpoint, or an exception to break on (semantics 87)."""

from executions.commands.lifecycle.resuming import resumed
from executions.commands.request import Done, Order
from executions.store.debug import debugging


def execute(order: Order) -> Done | None:
    return resumed(debugging.run_on(order.execution.pk))
