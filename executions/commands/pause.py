"""Pause: before the next block; a block under way is finished first."""

from uuid import UUID

from executions.live.events import ExecutionChanged
from executions.store import transitions


def execute(execution_id: UUID) -> list[ExecutionChanged] | None:
    changed = transitions.pause(execution_id)
    return [changed] if changed else None
