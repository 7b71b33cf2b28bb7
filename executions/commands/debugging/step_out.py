"""Step out: run until the token has left its workspace, then pause again."""

from executions.commands.command import Command, DebugLeaseRule, Effect
from executions.commands.enqueueing import enqueue_resumed
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.models import Execution, Token
from executions.states import RESUMABLE
from executions.store.lifecycle import stepping


def execute(request: CommandRequest) -> Changes | None:
    key = request.execution.pk
    done = enqueue_resumed(stepping.run_out(key))
    if done is None and Token.objects.filter(execution_id=key).count() < 2:
        status = Execution.objects.values_list("status", flat=True).get(pk=key)
        if status in COMMAND.applies_to:
            raise CommandRefused("The token is in the top-level workspace. Use Continue instead.")
    return done


COMMAND = Command(
    name="step-out",
    summary="Run until the token has left its workspace, then pause again.",
    past="stepped",
    icon="up",
    applies_to=RESUMABLE,
    execute=execute,
    effect=Effect.RESUMES,
    debugs=True,
    lease=DebugLeaseRule.TAKES,
    toolbar=50,
    key="u",
    quiet=True,
    pause_note=", after a step by",
)
