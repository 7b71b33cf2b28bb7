"""Step: run one block and pause again (semantics 86). A Workspace block is entered.

From an exception port, a step leads to the handler, which has not run yet.
"""

from collections.abc import Sequence
from uuid import UUID

from executions.commands.command import Bulk, Command, DebugLeaseRule, Effect
from executions.commands.enqueueing import enqueue_resumed, enqueue_resumed_batch
from executions.commands.request import Changes, CommandRequest
from executions.events import ExecutionChanged
from executions.states import RESUMABLE
from executions.store.lifecycle import bulk_transitions, stepping


def execute(request: CommandRequest) -> Changes | None:
    return enqueue_resumed(stepping.run_one(request.execution.pk))


def execute_batch(ids: Sequence[UUID]) -> list[ExecutionChanged]:
    return enqueue_resumed_batch(bulk_transitions.run_one(ids), ids)


COMMAND = Command(
    name="step",
    summary="Run one block, then pause again.",
    details=(
        "A Workspace block is entered. From an exception port, a step leads to the handler, which "
        "has not run yet."
    ),
    past="stepped",
    icon="step",
    applies_to=RESUMABLE,
    execute=execute,
    effect=Effect.RESUMES,
    debugs=True,
    lease=DebugLeaseRule.TAKES,
    toolbar=30,
    key="s",
    priority=7,
    quiet=True,
    pause_note=", after a step by",
    bulk=Bulk.MATCHING,
    execute_batch=execute_batch,
)
