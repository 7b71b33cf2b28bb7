"""Break on exception: pause on the exception port of a block that throws (semantics 87).

That happens also where the flow would handle the exception.
"""

from executions.commands.command import Command, DebugLeaseRule
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
    summary=(
        "Turn break on exception on or off: whether a block that throws pauses the execution at "
        "its exception port."
    ),
    details=(
        "The status there is Exception, and Continue leads to the handler. The field `on` is 1 or "
        "0. Without it, the command toggles."
    ),
    past="changed",
    icon="bug",
    applies_to=LIVE - {Status.STOPPING},
    execute=execute,
    debugs=True,
    lease=DebugLeaseRule.TAKES,
)
