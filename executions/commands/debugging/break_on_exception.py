"""Break on exception, on or off: pause on the exception port of whatever block throws, also when
the exception would be handled (semantics 87)."""

from executions.commands.request import Done, Order
from executions.store.debug import debugging


def execute(order: Order) -> Done | None:
    plan = debugging.lock_plan(order.execution.pk)
    if plan is None:
        return None
    plan.break_on_exception = (
        order.ticked("on") if order.text("on") else not plan.break_on_exception
    )
    changed = debugging.write_plan(order.execution.pk, plan)
    return Done([changed], "on" if plan.break_on_exception else "off")
