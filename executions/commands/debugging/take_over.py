"""Take over: debug in the place of whoever does.

What nobody debugs is taken at once, and so is what somebody debugs who has left. Who is there is
asked; they hand it over or keep it, and it goes over by itself when they don't answer
(`executions.control_transfer`).
"""

from executions import presence
from executions.commands.request import Done, Order, Refused
from executions.limits import CONTROL_ANSWER
from executions.store.debug import debug_lease
from executions.store.lifecycle import transitions


def execute(order: Order) -> Done | None:
    if order.user.pk is None:
        raise Refused("Only somebody who is signed in can debug.")
    key = order.execution.pk
    family = transitions.lock_family(key, tasks=True)
    control = debug_lease.lock(key)
    if control.ended:
        return None
    if control.holder_id is None:
        return Done(debug_lease.pass_on(family, None, order.user.pk, order.user.get_username()))
    if control.holder_id == order.user.pk:
        raise Refused("You debug it already.")
    if control.asker_id not in (None, order.user.pk):
        raise Refused(f"{control.asker} has asked {control.holder} for it already.")
    if presence.has_left(order.execution.root_id, control.holder_id):
        name = order.user.get_username()
        changed = debug_lease.pass_on(family, control.holder_id, order.user.pk, name)
        return Done(changed, f"from {control.holder}, who had left")
    if control.asker_id is not None:
        raise Refused(f"{control.holder} has been asked, and has a moment to answer.")
    event = debug_lease.ask(key, order.user)
    told = f"asked {control.holder}; without an answer it goes over in {CONTROL_ANSWER:.0f} s"
    return Done([event], told) if event else None
