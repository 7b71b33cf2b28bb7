"""Pause: pause before the next block. A block that is running finishes first."""

from executions.commands.command import Bulk, Command, DebugLeaseRule, Effect
from executions.commands.request import Changes, CommandRequest
from executions.states import PAUSABLE
from executions.store.lifecycle import bulk_transitions, transitions


def execute(request: CommandRequest) -> Changes | None:
    changed = transitions.pause(request.execution.pk)
    return Changes([changed]) if changed else None


COMMAND = Command(
    name="pause",
    summary="Pause before the next block.",
    details=(
        "A block that is running finishes first. Where blocks take no time, the worker notices the "
        "pause at its next checkpoint, at most 0.1 s or 2,000 blocks later. An execution without "
        "a worker pauses at once. "
        "What it waits for goes on meanwhile."
    ),
    past="paused",
    icon="pause",
    applies_to=PAUSABLE,
    execute=execute,
    effect=Effect.PAUSES,
    lease=DebugLeaseRule.RESPECTS,
    toolbar=20,
    key="p",
    priority=8,
    pause_note=" by",
    bulk=Bulk.MATCHING,
    execute_batch=bulk_transitions.pause,
)
