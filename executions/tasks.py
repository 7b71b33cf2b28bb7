"""Celery's entry points: an id in, nothing out."""

from typing import Any
from uuid import UUID

from celery import shared_task

from executions import recovery, retention, runner


@shared_task(bind=True)
def run_execution(self: Any, execution_id: str) -> None:
    """Advance an execution that is Queued."""
    runner.run(UUID(execution_id), self.request.id or "")


@shared_task
def recover() -> None:
    """Wake what is due, take over what died, send lost messages again."""
    recovery.recover()


@shared_task
def retain() -> None:
    """Delete what is not to be kept any longer."""
    retention.retain()
