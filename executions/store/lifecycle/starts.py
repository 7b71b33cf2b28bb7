"""Inserting an execution: held against its flow first, so that messages can stop it."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from executions.events import COLUMNS, IDS, ExecutionChanged
from executions.limits import REQUEUE_SECONDS
from executions.models import Execution, new_id
from executions.states import Status
from executions.store.debug.breakpoints import kept_for_flow
from executions.store.debug.debug_plan import DebugPlan, plan_of
from executions.store.lifecycle import secret_storage
from flows import queries, values
from flows.graph import Message
from flows.models import FlowVersion
from flows.validation import check_inputs


class NotStarted(Exception):
    """Messages stopped an execution before it existed (semantics 91)."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__("; ".join(f"{m.location}: {m.summary}" for m in messages))
        self.messages = messages


def insert(
    version: FlowVersion,
    inputs: Mapping[str, Any],
    *,
    initiator_id: int | None,
    initiator_name: str,
    trigger: Execution.Trigger,
    parent: Execution | None = None,
    called_by: str = "",
    paused: bool = False,
    extensions: Mapping[str, Any] | None = None,
    plan: DebugPlan | None = None,
    debugged_by_id: int | None = None,
    debugged_by_name: str = "",
    origin_id: UUID | None = None,
    known: Iterable[str] = (),
    giver_id: int | None = None,
) -> Execution:
    """Insert a Queued execution; `paused` stops it before its first block. `extensions` are those
    of its parent's `_executionContext` (semantics 30), `called_by` the block of it that starts it.

    The child of an execution that somebody debugs is debugged along: it breaks on exceptions as
    its parent does, and at the breakpoints that they keep for its flow. `origin_id` is the
    execution that it tries again. `known` are texts that whoever starts it keeps to itself, and
    `giver_id` the user who gave it these and its secret inputs.

    Raises NotStarted when the version is a draft or the inputs don't fit its input variables.
    """
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
    graph = queries.compiled(version.pk)
    messages = check_inputs(graph, dict(inputs))
    if messages:
        raise NotStarted(messages)
    block = graph.blocks[graph.top.start]
    if parent and parent.debugged_by_id:
        debugged_by_id = parent.debugged_by_id
        debugged_by_name = parent.debugged_by_name
        plan = plan_of(parent.debug)
        plan.breakpoints = kept_for_flow(debugged_by_id, graph.name)
    execution_id = new_id()
    shown, secrets = secret_storage.of_inputs(graph, inputs, known, giver_id)
    return Execution.objects.create(
        id=execution_id,
        version=version,
        version_number=version.number,
        flow_name=graph.name,
        parent=parent,
        called_by=called_by,
        root_id=parent.root_id if parent else execution_id,
        depth=parent.depth + 1 if parent else 0,
        status=Status.QUEUED,
        steps_wanted=0 if paused else None,
        lease_expires_at=Now() + timedelta(seconds=REQUEUE_SECONDS),
        block=block.key,
        block_type=block.block.type,
        block_description=block.title,
        workspace_name=graph.top.name,
        started_at=Now(),
        updated_at=Now(),
        initiator_id=initiator_id,
        initiator_name=initiator_name,
        trigger=trigger,
        inputs=shown,
        secrets=secrets,
        state={"extensions": values.encode(dict(extensions))} if extensions else {},
        origin_id=origin_id,
        debugged_by_id=debugged_by_id,
        debugged_by_name=debugged_by_name,
        debugged_since=Now() if debugged_by_id else None,
        debug=plan.stored() if plan else None,
    )


def events(ids: list[UUID]) -> list[ExecutionChanged]:
    """The present state of these executions, as events."""
    return [
        ExecutionChanged(**row | {name: str(row[name]) if row[name] else None for name in IDS})
        for row in Execution.objects.filter(pk__in=ids).values(*COLUMNS)
    ]
