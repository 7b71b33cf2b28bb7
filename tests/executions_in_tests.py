"""Executions as rows, for tests of what shows them, and their events."""

from copy import copy
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F
from django.utils import timezone

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
        trigger="parent" if parent else "page",
        **{"block_type": "Set Variable", "workspace_name": "Top-level", **columns},
    )


def event_of(execution: Execution, **changes: Any) -> ExecutionChanged:
    """Change an execution as a checkpoint would, and give the event of that."""
    rows = Execution.objects.filter(pk=execution.pk)
    if changes.get("error_type"):
        changes.setdefault("exception_types", changes["error_type"])
    rows.update(revision=F("revision") + 1, updated_at=timezone.now(), **changes)
    return read_events(rows)[0]


def make_children(parent: Execution, count: int, **columns: Any) -> list[Execution]:
    """Many children at once, each a second older than the one before."""
    child = make_execution(parent.initiator, parent=parent, **columns)
    children = [child]
    for number in range(1, count):
        sibling = copy(child)
        sibling.pk = new_id()
        sibling.started_at = child.started_at - timedelta(seconds=number)
        children.append(sibling)
    Execution.objects.bulk_create(children[1:])
    Execution.objects.filter(pk=parent.pk).update(child_count=F("child_count") + count)
    return children


def copies_that_ended(execution: Execution, count: int, flows: int) -> None:
    """Insert copies of an execution, which have ended, of so many flows. The planner knows them."""
    columns = [field.column for field in Execution._meta.concrete_fields]
    own = {"id": "gen_random_uuid()", "root_id": "gen_random_uuid()", "lease_expires_at": "NULL"}
    own |= {"flow_name": f"'flow ' || n %% {flows}", "status": "'Ended'", "ended_at": "now()"}
    values = ", ".join(own.get(column, f"e.{column}") for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO executions_execution ({', '.join(columns)}) SELECT {values} "
            f"FROM executions_execution e, generate_series(1, {count}) n WHERE e.id = %s",
            [execution.pk],
        )
        cursor.execute("ANALYZE executions_execution")
