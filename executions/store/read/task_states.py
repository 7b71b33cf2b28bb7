"""The states of tasks. A flow reaches only the executions of its own family (one root)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from executions import encryption
from executions.engine.secrets import Secrets
from executions.models import Execution
from executions.states import Status
from executions.store.lifecycle import secret_storage
from flows import task_values, values
from flows.blocks.errors import exception
from flows.task_values import States, TaskState, TaskStatus


def task_states(root_id: UUID | str, ids: Iterable[UUID | str], *, lock: bool = False) -> States:
    """Return the states of these executions as tasks, by id.

    One that is not of the family, or was deleted, counts as failed with TaskNotFoundException. With
    `lock`, none of them can end before the transaction does.
    """
    wanted = [str(execution_id) for execution_id in ids]
    rows = Execution.objects.filter(pk__in=wanted, root_id=root_id)
    if lock:
        # In the order in which a stop locks a family.
        rows = rows.order_by("-depth", "pk").select_for_update()
    columns = ("pk", "status", "outputs", "state", "secrets")
    found = {str(row["pk"]): _state(row) for row in rows.values(*columns)}
    return {execution_id: found.get(execution_id) or _missing() for execution_id in wanted}


def has_ended_by(execution_id: UUID | str, moment: float) -> bool:
    """Whether an execution ended before a moment (seconds since 1970)."""
    at = datetime.fromtimestamp(moment, UTC)
    return Execution.objects.filter(pk=execution_id, ended_at__lt=at).exists()


def with_task_states(root_id: UUID, value: Any) -> Any:
    """Return a value as people see it: tasks with their current state (semantics 68)."""
    met = task_values.task_ids(value)
    if not met:
        return value
    found = {key: _covered(state) for key, state in task_states(root_id, met).items()}
    return task_values.expand(value, found, marked=False)


def _covered(state: TaskState) -> TaskState:
    """A task without the secrets of its execution, and without what no page can show."""
    if state.exception is None:
        return state
    secrets = Secrets({}, dict.fromkeys(state.secret_texts))
    with_task_states = values.encode(secrets.redact_exception(state.exception))
    return replace(state, exception=values.decode(with_task_states, readable=True))


def _state(row: Mapping[str, Any]) -> TaskState:
    kept = row["secrets"]
    match row["status"]:
        case Status.ENDED:
            outputs = secret_storage.real_form(kept, "outputs", row["outputs"] or {})
            return TaskState(
                TaskStatus.RAN_TO_COMPLETION,
                values.decode(outputs),
                secret_texts=secret_storage.texts(kept),
            )
        case Status.ERROR:
            return TaskState(
                TaskStatus.FAULTED,
                exception=values.decode(encryption.unseal(row["state"]["error"])),
                secret_texts=secret_storage.texts(kept),
            )
        case Status.STOPPED:
            stopped = exception(
                "FlowExecutionStoppedException", "Flow execution has been stopped!"
            ).value
            return TaskState(TaskStatus.CANCELLED, exception=stopped)
    return TaskState(TaskStatus.RUNNING)


def _missing() -> TaskState:
    missing = exception("TaskNotFoundException", "The task's execution is not known here.").value
    return TaskState(TaskStatus.FAULTED, exception=missing)
