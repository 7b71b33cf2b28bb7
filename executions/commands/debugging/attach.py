"""Attach: debug a running execution and the children that it waits for, with the breakpoints that
the user keeps for their flows; children that it starts later are debugged along (semantics 102).

It runs on until it is paused or comes to a breakpoint.
"""

from executions.commands.command import Command, Lease
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.events import ExecutionChanged
from executions.models import Execution
from executions.states import LIVE, Status
from executions.store.debug import breakpoints, debug_lease
from executions.store.lifecycle import transitions


def execute(request: CommandRequest) -> Changes | None:
    if request.user.pk is None:
        raise CommandRefused("Only somebody who is signed in can debug.")
    family = transitions.lock_family(request.execution.pk, tasks=True)
    names = dict(Execution.objects.filter(pk__in=family).values_list("pk", "flow_name"))
    changed: list[ExecutionChanged] = []
    attached = 0
    for key in reversed(family):
        plan = breakpoints.lock_plan(key)
        if plan is None and key == request.execution.pk:
            return None
        if plan is None:
            continue
        kept = breakpoints.kept_for_flow(request.user.pk, names[key])
        plan.breakpoints = {**kept, **plan.breakpoints}
        event = debug_lease.attach(key, request.user, plan)
        if event is None and key == request.execution.pk:
            raise CommandRefused("Somebody else debugs it; detach it first.")
        if event is not None:
            changed.append(event)
            attached += 1
    children = attached - 1
    return Changes(changed, f"with {children} below it" if children else "")


COMMAND = Command(
    name="attach",
    summary="Debug it and the children that it waits for, with the breakpoints that you keep.",
    details=(
        "Children that it starts later are debugged too. It runs on until it is paused or comes to "
        "a breakpoint."
    ),
    past="attached",
    icon="bug",
    applies_to=LIVE - {Status.STOPPING},
    execute=execute,
    debugs=True,
    lease=Lease.CHANGES,
    menu=20,
)
