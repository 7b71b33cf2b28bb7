"""Step: run one block and pause again (semantics 86)."""

from uuid import UUID

from executions.dispatch import send
from executions.live.events import ExecutionChanged
from executions.store import transitions


def execute(execution_id: UUID) -> list[ExecutionChanged] | None:
    changed = transitions.resume(execution_id, 1)
    if changed is None:
        return None
    send(execution_id)
    return [changed]
