"""The Celery tasks: each takes an id at most, and returns nothing."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from celery import shared_task, signals
from celery.exceptions import WorkerLostError
from kombu.exceptions import OperationalError

from executions import control_transfer, idempotency, processes, recovery, runner, workers
from executions.alerts import deliveries, evaluation, personal, question_alerts
from executions.alerts import retention as alert_retention
from executions.api import idempotency as api_idempotency
from executions.audit import retention as audit_retention
from executions.bulk import jobs
from executions.bulk import run as bulk
from executions.failures import occurrences
from executions.retention import deletion
from executions.retention import flow_signals as signal_retention
from executions.schedules import due
from executions.schedules import retention as schedule_retention
from executions.statistics import aggregation, rebuild, samples, thinning
from executions.webhooks import chains, receiving


@shared_task(bind=True)
def run_execution(self: Any, execution_id: str) -> None:
    """Advance an execution that is Queued."""
    runner.run(UUID(execution_id), self.request.id or "")


@signals.task_failure.connect(sender=run_execution)
def report_death(
    task_id: str = "", exception: BaseException | None = None, args: Any = (), **_: Any
) -> None:
    """Have the execution of a dead process taken over before its lease expires.

    Celery's main process calls this. It has no connection to the database, so a task does the rest.
    """
    if isinstance(exception, WorkerLostError):
        with suppress(OperationalError):
            reclaim.apply_async(
                (args[0], task_id, processes.killed_by_alarm(exception)), retry=False
            )


@shared_task
def reclaim(execution_id: str, task_id: str, killed_by_alarm: bool) -> None:
    """Queue again what a dead process held."""
    recovery.reclaim(UUID(execution_id), task_id, killed_by_alarm=killed_by_alarm)


@shared_task
def recover() -> None:
    """Wake what is due, take over what has died, send lost messages again, end mutes."""
    recovery.recover()
    occurrences.unmute_due()
    jobs.recover()
    chains.send_lost()
    workers.record_scheduled()


@shared_task
def start_chained() -> None:
    """Start what chains say of executions that have ended."""
    chains.start_waiting()


@shared_task(bind=True)
def run_bulk_job(self: Any, job_id: str) -> None:
    """Continue a bulk job."""
    bulk.run(UUID(job_id), self.request.id or "")


@shared_task
def transfer_debug_leases() -> None:
    """Transfer debugging whose holder does not answer, or has left."""
    control_transfer.transfer_leases()


@shared_task
def aggregate_statistics() -> None:
    """Add what has happened to the statistics, and sample what is under way."""
    rebuild.build()
    aggregation.aggregate()
    samples.take()


@shared_task
def start_schedules() -> None:
    """Start what schedules are due."""
    due.start_due()


@shared_task
def evaluate_alerts() -> None:
    """Evaluate the alert rules."""
    evaluation.evaluate()


@shared_task
def send_due_deliveries() -> None:
    """Tell people of what they watch and of what they are asked; have what is due for each
    destination sent."""
    personal.notify_watchers()
    question_alerts.send_due()
    deliveries.send_due()


@shared_task
def deliver(destination: str) -> None:
    """Send what is due for a destination."""
    deliveries.deliver(destination)


@shared_task
def delete_old() -> None:
    """Delete what is older than it is kept."""
    deletion.delete_old()
    jobs.delete_old()
    idempotency.delete_expired()
    api_idempotency.delete_expired()
    samples.thin()
    thinning.thin()
    alert_retention.delete_old()
    audit_retention.delete_old()
    schedule_retention.delete_old()
    signal_retention.delete_old()
    receiving.delete_old()
    chains.delete_old()
