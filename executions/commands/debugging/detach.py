"""Detach: stop debugging an execution and its children (semantics 102).

Their breakpoints are removed, and those that are paused run on.
"""

from executions.commands.command import Command, DebugLeaseRule, Effect
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.dispatch import enqueue
from executions.models import Execution
from executions.states import LIVE, Status
from executions.store.debug import debug_lease
from executions.store.lifecycle import transitions


def execute(request: CommandRequest) -> Changes | None:
    family = transitions.lock_family(request.execution.pk, tasks=True)
    if Status(Execution.objects.values_list("status", flat=True).get(pk=family[-1])).is_terminal:
        return None
    changed = [event for key in family if (event := debug_lease.detach(key))]
    if not changed:
        raise CommandRefused("Nobody is debugging this.")
    for event in changed:
        if event.status == Status.QUEUED:
            enqueue(event)
    return Changes(changed)


COMMAND = Command(
    name="detach",
    summary="Stop debugging the execution and its children. They run on without breakpoints.",
    past="detached",
    icon="x",
    applies_to=LIVE,
    execute=execute,
    effect=Effect.RESUMES,
    lease=DebugLeaseRule.CHANGES,
    menu=30,
)
