"""Step over: run one block, with all that is inside of a Workspace block, and pause again."""

from executions.commands.command import Command, DebugLeaseRule, Effect
from executions.commands.enqueueing import enqueue_resumed
from executions.commands.request import Changes, CommandRequest
from executions.states import RESUMABLE
from executions.store.lifecycle import stepping


def execute(request: CommandRequest) -> Changes | None:
    return enqueue_resumed(stepping.run_over(request.execution.pk))


COMMAND = Command(
    name="step-over",
    summary="Run one block, then pause again; a Workspace block with all that is inside it.",
    details="A Run Flow block is always one step.",
    past="stepped",
    icon="skip",
    applies_to=RESUMABLE,
    execute=execute,
    effect=Effect.RESUMES,
    debugs=True,
    lease=DebugLeaseRule.TAKES,
    toolbar=40,
    key="o",
    quiet=True,
    pause_note=", after a step by",
)
