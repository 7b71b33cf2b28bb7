"""Continue: run on."""

from uuid import UUID

from executions.dispatch import send
from executions.live.events import ExecutionChanged
from executions.store import transitions


def execute(execution_id: UUID) -> list[ExecutionChanged] | None:
    changed = transitions.resume(execution_id, None)
    if changed is None:
        return None
    send(execution_id)
    return [changed]
