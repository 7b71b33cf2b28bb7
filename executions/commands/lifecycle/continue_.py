"""Continue: run on until an end, a breakpoint, or an exception to break on (semantics 87)."""

from collections.abc import Sequence
from uuid import UUID

from executions.commands.command import Bulk, Command, DebugLeaseRule, Effect
from executions.commands.enqueueing import enqueue_resumed, enqueue_resumed_batch
from executions.commands.request import Changes, CommandRequest
from executions.events import ExecutionChanged
from executions.states import RESUMABLE
from executions.store.lifecycle import bulk_transitions, stepping


def execute(request: CommandRequest) -> Changes | None:
    return enqueue_resumed(stepping.run_on(request.execution.pk))


def execute_batch(ids: Sequence[UUID]) -> list[ExecutionChanged]:
    return enqueue_resumed_batch(bulk_transitions.run_on(ids), ids)


COMMAND = Command(
    name="continue",
    summary="Run on until an end, a breakpoint, or an exception to break on.",
    past="continued",
    icon="play",
    applies_to=RESUMABLE,
    execute=execute,
    effect=Effect.RESUMES,
    lease=DebugLeaseRule.RESPECTS,
    toolbar=10,
    key="c",
    priority=10,
    bulk=Bulk.MATCHING,
    execute_batch=execute_batch,
)
