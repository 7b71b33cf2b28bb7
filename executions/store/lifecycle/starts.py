"""Inserting executions, after their inputs were checked against their flow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.expressions import DatabaseDefault

from executions import log_context, tracing
from executions.engine.debugging import Breakpoint
from executions.events import COLUMNS, IDS, ExecutionChanged
from executions.limits import REQUEUE_SECONDS
from executions.models import Execution, new_id
from executions.states import Status
from executions.store.debug_plan import DebugPlan, plan_of
from executions.store.kept_breakpoints import kept_for_flow
from executions.store.lifecycle import secret_storage
from flows import queries, values
from flows.graph import FlowGraph, Message
from flows.models import FlowVersion
from flows.validation import check_inputs

_FIELDS = Execution._meta.concrete_fields
# An INSERT of many rows has a parameter for each value of each, and writing and reading these takes
# most of its time.
_COPY = f"""
    COPY executions_execution ({", ".join(str(field.column) for field in _FIELDS)}) FROM STDIN
"""


class NotStarted(Exception):
    """Messages stopped an execution before it existed (semantics 91)."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__("; ".join(f"{m.location}: {m.summary}" for m in messages))
        self.messages = messages


@dataclass(frozen=True, slots=True)
class StartRequest:
    """An execution to start. `paused` stops it before its first block; `origin_id` is the execution
    that it tries again.

    A child has a `parent`, `called_by` the block of it that starts it, and the `extensions` of its
    `_executionContext` (semantics 30).
    """

    version: FlowVersion
    inputs: Mapping[str, Any]
    initiator_id: int | None
    initiator_name: str
    trigger: Execution.Trigger
    paused: bool = False
    origin_id: UUID | None = None
    parent: Execution | None = None
    called_by: str = ""
    extensions: Mapping[str, Any] | None = None
    #: What is set for debugging, and who debugs it.
    plan: DebugPlan | None = None
    debugged_by_id: int | None = None
    debugged_by_name: str = ""
    #: The secret texts of whatever starts it, and who gave these and its secret inputs.
    secret_texts: Iterable[str] = ()
    giver_id: int | None = None
    #: The schedule that starts it.
    schedule_id: int | None = None
    #: The webhook that starts it.
    webhook_id: int | None = None


def insert(request: StartRequest) -> Execution:
    """Insert a Queued execution.

    Raises NotStarted as `new_execution` does.
    """
    execution = new_execution(request, database_time())
    flow, key = execution.flow_name, str(execution.pk)
    with tracing.span("start", cortexweb__flow=flow, cortexweb__execution=key):
        # Its turns stand below this span.
        execution.start_context = log_context.start_context()
        execution.save(force_insert=True)
    return execution


def new_execution(request: StartRequest, at: datetime) -> Execution:
    """Return a Queued execution that is not inserted yet; `at` is the time of the database.

    Raises NotStarted when the version is a draft or the inputs don't fit its input variables.
    """
    refuse_draft(request.version)
    graph = queries.compiled(request.version.pk)
    if messages := check_inputs(graph, dict(request.inputs)):
        raise NotStarted(messages)
    return _queued(request, graph, at)


def insert_many(requests: Sequence[StartRequest]) -> list[Execution]:
    """Insert Queued executions of one version.

    Raises NotStarted when the version is a draft, or with what is wrong with the inputs of any.
    """
    version = requests[0].version
    refuse_draft(version)
    graph = queries.compiled(version.pk)
    found = [
        replace(message, location=f"Execution {number}, {message.location}", path=path)
        for number, request in enumerate(requests)
        for message in check_inputs(graph, dict(request.inputs))
        for path in [("executions", number, *message.path)]
    ]
    if found:
        raise NotStarted(found)
    at = database_time()
    executions = [_queued(request, graph, at) for request in requests]
    with tracing.span("start", cortexweb__flow=graph.name, cortexweb__count=len(executions)):
        for execution in executions:
            execution.start_context = log_context.start_context()
        insert_all(executions)
    return executions


def insert_all(executions: Iterable[Execution]) -> None:
    """Insert new executions in one statement, as their `save` would."""
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(_COPY) as rows,
    ):
        for execution in executions:
            rows.write_row(_row(execution))
            execution._state.adding = False


def _row(execution: Execution) -> list[Any]:
    """Return the columns of a new execution. Where it leaves one to the database, the execution
    gets the default too."""
    row = []
    for field in _FIELDS:
        value = field.pre_save(execution, add=True)
        if isinstance(value, DatabaseDefault):
            value = field.db_default
            setattr(execution, field.attname, value)
        row.append(field.get_db_prep_save(value, connection))
    return row


def database_time() -> datetime:
    """Return the time of the database, by which leases and timers count."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def refuse_draft(version: FlowVersion) -> None:
    """Raise NotStarted for a version that is a draft."""
    if version.is_draft:
        raise NotStarted(
            [
                Message(
                    f"Flow {version}",
                    "The version is a draft.",
                    "Publish it first; only published versions can be started.",
                )
            ]
        )


def _queued(request: StartRequest, graph: FlowGraph, at: datetime) -> Execution:
    """Return the row of a new execution, not saved."""
    version, parent = request.version, request.parent
    if parent and parent.debugged_by_id:
        breakpoints = kept_for_flow(parent.debugged_by_id, graph.name)
        request = _debugged_along(request, parent, breakpoints)
    block = graph.blocks[graph.top.start]
    execution_id = new_id()
    inputs, secrets = secret_storage.redact_inputs(
        graph, request.inputs, request.secret_texts, request.giver_id
    )
    return Execution(
        id=execution_id,
        version=version,
        version_number=version.number,
        flow_name=graph.name,
        parent=parent,
        called_by=request.called_by,
        root_id=parent.root_id if parent else execution_id,
        depth=parent.depth + 1 if parent else 0,
        status=Status.QUEUED,
        steps_wanted=0 if request.paused else None,
        lease_expires_at=at + timedelta(seconds=REQUEUE_SECONDS),
        block=block.key,
        block_type=block.block.type,
        block_description=block.title,
        workspace_name=graph.top.name,
        started_at=at,
        updated_at=at,
        initiator_id=request.initiator_id,
        initiator_name=request.initiator_name,
        trigger=request.trigger,
        schedule_id=request.schedule_id,
        webhook_id=request.webhook_id,
        inputs=inputs,
        secrets=secrets,
        state=_initial_state(request.extensions),
        origin_id=request.origin_id,
        start_context=log_context.start_context(),
        debugged_by_id=request.debugged_by_id,
        debugged_by_name=request.debugged_by_name,
        debugged_since=at if request.debugged_by_id else None,
        debug=request.plan.stored() if request.plan else None,
    )


def _debugged_along(
    request: StartRequest, parent: Execution, breakpoints: dict[str, Breakpoint]
) -> StartRequest:
    """Return the request of a child whose parent somebody debugs: it breaks on exceptions as its
    parent does, and at the breakpoints that they keep for its flow."""
    plan = plan_of(parent.debug)
    plan.breakpoints = breakpoints
    return replace(
        request,
        plan=plan,
        debugged_by_id=parent.debugged_by_id,
        debugged_by_name=parent.debugged_by_name,
    )


def _initial_state(extensions: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"extensions": values.encode(dict(extensions))} if extensions else {}


def events(ids: list[UUID]) -> list[ExecutionChanged]:
    """Return the present state of these executions, as events."""
    return [
        ExecutionChanged(**row | {name: str(row[name]) if row[name] else None for name in IDS})
        for row in Execution.objects.filter(pk__in=ids).values(*COLUMNS)
    ]


def event_of_new(execution: Execution) -> ExecutionChanged:
    """Return the event of an execution that was just inserted, without reading it again."""
    row = {name: getattr(execution, name) for name in COLUMNS}
    return ExecutionChanged(**row | {name: str(row[name]) if row[name] else None for name in IDS})
