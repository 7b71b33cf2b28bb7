"""Run to: run until the token is above a block. Breakpoints on the way still pause."""

from executions.commands.command import Command, DebugLeaseRule, Effect
from executions.commands.enqueueing import enqueue_resumed
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.states import RESUMABLE
from executions.store.debug import breakpoints
from executions.store.lifecycle import stepping
from flows import queries
from flows.graph import NO_SUCH_BLOCK


def execute(request: CommandRequest) -> Changes | None:
    key = request.text("block")
    version_id = breakpoints.version_of(request.execution.pk)
    node = queries.compiled(version_id).blocks.get(key)
    if node is None:
        raise CommandRefused(NO_SUCH_BLOCK if key else "Choose a block.")
    return enqueue_resumed(stepping.run_to(request.execution.pk, key), f"to '{node.title}'")


COMMAND = Command(
    name="run-to",
    summary="Run until the block named by the field `block` is next, then pause.",
    details="Breakpoints on the way still pause.",
    past="continued",
    icon="play",
    applies_to=RESUMABLE,
    execute=execute,
    effect=Effect.RESUMES,
    debugs=True,
    lease=DebugLeaseRule.TAKES,
    quiet=True,
    pause_note=" by",
)
