"""Executions as rows, for tests of what shows them, and their events."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.utils import timezone

from executions import why as why_module
from executions.events import ExecutionChanged
from executions.grid.table.row_events import read_events
from executions.models import Execution, new_id
from executions.states import Status
from flows.models import Flow, FlowVersion


def version_of(name: str) -> FlowVersion:
    flow, _ = Flow.objects.get_or_create(name=name)
    version, _ = FlowVersion.objects.get_or_create(flow=flow, number=1)
    return version


def make_execution(user: Any, flow: str = "orders", age: float = 60, **columns: Any) -> Execution:
    """An execution that started `age` seconds ago; terminal ones took a second."""
    execution = unsaved_execution(user, flow, age, **columns)
    execution.save(force_insert=True)
    return execution


def unsaved_execution(
    user: Any, flow: str = "orders", age: float = 60, **columns: Any
) -> Execution:
    """The same, for `bulk_create`."""
    status = Status(columns.setdefault("status", Status.RUNNING))
    parent = columns.get("parent")
    identity = columns.setdefault("id", new_id())
    started: datetime = columns.setdefault("started_at", timezone.now() - timedelta(seconds=age))
    columns.setdefault("updated_at", started + timedelta(seconds=1))
    if status.is_terminal:
        columns.setdefault("ended_at", started + timedelta(seconds=1))
    columns.setdefault("exception_types", columns.get("error_type", ""))
    version = columns.pop("version", None) or version_of(flow)
    return Execution(
        version=version,
        version_number=version.number,
        flow_name=flow,
        root_id=parent.root_id if parent else identity,
        depth=parent.depth + 1 if parent else 0,
        initiator=user,
        initiator_name=user.get_username() if user else "",
        **{
            "trigger": "parent" if parent else "page",
            "block_type": "Set Variable",
            "workspace_name": "Top-level",
            **columns,
        },
    )


def event_of(execution: Execution, **changes: Any) -> ExecutionChanged:
    """Change an execution as a checkpoint would, and give the event of that."""
    return events_of(execution, **changes)[0]


def events_of(*executions: Execution, **changes: Any) -> list[ExecutionChanged]:
    """Change executions as a checkpoint would, and give the events of that in the same order."""
    rows = Execution.objects.filter(pk__in=[execution.pk for execution in executions])
    if changes.get("error_type"):
        changes.setdefault("exception_types", changes["error_type"])
    rows.update(revision=F("revision") + 1, updated_at=timezone.now(), **changes)
    events = {str(event.id): event for event in read_events(rows)}
    return [events[str(execution.pk)] for execution in executions]


def make_executions(user: Any, ages: Iterable[float], **columns: Any) -> list[Execution]:
    """Executions of one flow, in one statement."""
    version = version_of(columns.pop("flow", "orders"))
    flow = version.flow.name
    made = [unsaved_execution(user, flow, age, version=version, **columns) for age in ages]
    return Execution.objects.bulk_create(made)


def why(execution: Execution) -> str:
    """Why an execution does not move, for somebody who sees all of them."""
    return why_module.why(execution, Execution.objects.all())


def make_children(parent: Execution, count: int, **columns: Any) -> list[Execution]:
    """Many children at once, each a second older than the one before."""
    child = make_execution(parent.initiator, parent=parent, **columns)
    ids = copy_in_database(
        child, count - 1, {"started_at": "e.started_at - new.n * interval '1 second'"}
    )
    Execution.objects.filter(pk=parent.pk).update(child_count=F("child_count") + count)
    return list(Execution.objects.filter(pk__in=[child.pk, *ids]).order_by("-started_at"))


def copies_that_ended(execution: Execution, count: int, flows: int) -> None:
    """Insert copies of an execution, which have ended, of so many flows. The planner knows them."""
    own = {"root_id": "new.id", "lease_expires_at": "NULL"}
    own |= {"flow_name": f"'flow ' || new.n % {flows}", "status": "'Ended'", "ended_at": "now()"}
    copy_in_database(execution, count, own)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE executions_execution")


def copy_in_database(execution: Execution, count: int, own: dict[str, str]) -> list[UUID]:
    """Insert copies of an execution in one statement, which takes a hundredth of the time that
    sending them does, and return their ids. `own` has the SQL of columns that differ: `e` is the
    execution, `new` has the `id` and the number `n` of a copy."""
    columns = [field.column for field in Execution._meta.concrete_fields]
    values = {column: f"e.{column}" for column in columns} | {"id": "new.id"} | own
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH new AS MATERIALIZED (
                SELECT n, gen_random_uuid() AS id FROM generate_series(1, %s) n
            )
            INSERT INTO executions_execution ({", ".join(values)})
            SELECT {", ".join(values.values()).replace("%", "%%")}
            FROM executions_execution e, new WHERE e.id = %s
            RETURNING id
            """,
            [count, execution.pk],
        )
        return [pk for (pk,) in cursor.fetchall()]
