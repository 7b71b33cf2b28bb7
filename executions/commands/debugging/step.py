"""Step: run one block and pause again (semantics 86); into a workspace where the block is one.

From an exception port it leads to the handler, before that runs.
"""

from executions.commands.lifecycle.resuming import resumed
from executions.commands.request import Done, Order
from executions.store.debug import debugging


def execute(order: Order) -> Done | None:
    return resumed(debugging.run_one(order.execution.pk))
