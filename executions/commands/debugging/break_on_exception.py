"""Break on exception, on or off: pause on the exception port of whatever block throws, also when
the exception would be handled (semantics 87)."""

from executions.commands.command import Command, Lease
from executions.commands.request import Changes, CommandRequest
from executions.states import LIVE, Status
from executions.store.debug import breakpoints


def execute(request: CommandRequest) -> Changes | None:
    plan = breakpoints.lock_plan(request.execution.pk)
    if plan is None:
        return None
    plan.break_on_exception = (
        request.is_checked("on") if request.text("on") else not plan.break_on_exception
    )
    changed = breakpoints.write_plan(request.execution.pk, plan)
    return Changes([changed], "on" if plan.break_on_exception else "off")


COMMAND = Command(
    name="break-on-exception",
    summary="Pause on the exception port of whatever block throws, or stop doing so.",
    details=(
        "The status there is Exception; Continue goes on to the handler. The field `on` turns "
        "it on or off; without it, the command toggles."
    ),
    past="changed",
    icon="bug",
    applies_to=LIVE - {Status.STOPPING},
    execute=execute,
    debugs=True,
    lease=Lease.TAKES,
)
