"""Hand over: whoever has asked for it debugs it from now on. Keep: they don't."""

from executions import access
from executions.commands.request import Done, Order, Refused
from executions.store.debug import debug_lease
from executions.store.lifecycle import transitions


def execute(order: Order) -> Done | None:
    """Give it to whoever has asked."""
    family = transitions.lock_family(order.execution.pk, tasks=True)
    control = _asked(order)
    if control is None:
        return None
    if access.successor(control.asker_id, control.asker, order.execution.initiator_id)[0] is None:
        raise Refused(f"{control.asker} may no longer debug it; keep it, or release it.")
    changed = debug_lease.pass_on(family, control.holder_id, control.asker_id, control.asker)
    return Done(changed, f"to {control.asker}")


def keep(order: Order) -> Done | None:
    """Answer that it stays."""
    control = _asked(order)
    event = debug_lease.decline(order.execution.pk, order.user.pk or 0) if control else None
    return Done([event], f"from {control.asker}") if control and event else None


def _asked(order: Order) -> debug_lease.Control | None:
    control = debug_lease.lock(order.execution.pk)
    if control.ended:
        return None
    if control.holder_id is None or control.holder_id != order.user.pk:
        raise Refused("You don't debug it.")
    if control.asker_id is None:
        raise Refused("Nobody has asked for it.")
    return control
