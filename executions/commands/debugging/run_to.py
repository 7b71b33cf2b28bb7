"""Run to a block: run on until the token stands above it. Breakpoints on the way still pause."""

from executions.commands.lifecycle.resuming import resumed
from executions.commands.request import Done, Order, Refused
from executions.store.debug import debugging
from flows import queries


def execute(order: Order) -> Done | None:
    key = order.text("block")
    version_id = debugging.version_of(order.execution.pk)
    node = queries.compiled(version_id).blocks.get(key)
    if node is None:
        raise Refused("The flow has no such block." if key else "Say which block.")
    return resumed(debugging.run_to(order.execution.pk, key), f"to '{node.title}'")
