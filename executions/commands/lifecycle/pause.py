"""Pause: before the next block; a block under way is finished first."""

from executions.commands.request import Done, Order
from executions.store.lifecycle import transitions


def execute(order: Order) -> Done | None:
    changed = transitions.pause(order.execution.pk)
    return Done([changed]) if changed else None
