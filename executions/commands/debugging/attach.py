"""Attach: debug a running execution and the children that it waits for (semantics 102).

They get the breakpoints that the user keeps for their flows. Children that start later are debugged
too. The execution runs on until it is paused or reaches a breakpoint.
"""

from executions.commands.command import Command, DebugLeaseRule
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.events import ExecutionChanged
from executions.models import Execution
from executions.states import LIVE, Status
from executions.store.debug import breakpoints, debug_lease
from executions.store.kept_breakpoints import kept_for_flow
from executions.store.lifecycle import transitions


def execute(request: CommandRequest) -> Changes | None:
    if request.user.pk is None:
        raise CommandRefused("Sign in to debug.")
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
        kept = kept_for_flow(request.user.pk, names[key])
        plan.breakpoints = {**kept, **plan.breakpoints}
        event = debug_lease.attach(key, request.user, plan)
        if event is None and key == request.execution.pk:
            raise CommandRefused("Somebody else is debugging this. Take it over first.")
        if event is not None:
            changed.append(event)
            attached += 1
    children = attached - 1
    noun = "child" if children == 1 else "children"
    return Changes(changed, f"with {children} {noun}" if children else "")


COMMAND = Command(
    name="attach",
    summary="Debug the execution and the children that it waits for, with your breakpoints.",
    details=(
        "Children that start later are debugged too. The execution runs on until it is paused or "
        "reaches a breakpoint."
    ),
    past="attached",
    icon="bug",
    applies_to=LIVE - {Status.STOPPING},
    execute=execute,
    debugs=True,
    lease=DebugLeaseRule.CHANGES,
    menu=20,
)
