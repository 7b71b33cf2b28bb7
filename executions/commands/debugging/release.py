"""Release: nobody debugs it any longer, and anybody may; unlike after a detach, its breakpoints
stay and what is paused stays paused. Whoever has asked for it, and still may, gets it."""

from executions import access
from executions.commands.request import Done, Order, Refused
from executions.store.debug import debug_lease
from executions.store.lifecycle import transitions


def execute(order: Order) -> Done | None:
    family = transitions.lock_family(order.execution.pk, tasks=True)
    control = debug_lease.lock(order.execution.pk)
    if control.ended:
        return None
    if control.holder_id is None or control.holder_id != order.user.pk:
        raise Refused("You don't debug it.")
    initiator_id = order.execution.initiator_id
    next_id, name = access.successor(control.asker_id, control.asker, initiator_id)
    changed = debug_lease.pass_on(family, control.holder_id, next_id, name)
    return Done(changed, f"to {name}" if next_id else "")
