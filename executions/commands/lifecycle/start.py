"""Start an execution of a published version."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from executions import audit
from executions.commands.actor import Actor
from executions.dispatch import enqueue, enqueue_many
from executions.models import Execution
from executions.publishing import publish
from executions.store.debug_plan import DebugPlan
from executions.store.kept_breakpoints import kept_for_flow
from executions.store.lifecycle.starts import (
    NotStarted,
    StartRequest,
    event_of_new,
    insert,
    insert_many,
)
from flows.models import FlowVersion

__all__ = ["NotStarted", "begin", "start", "start_many"]


def start(  # noqa: PLR0913 (one for each choice of the start form)
    version: FlowVersion,
    inputs: Mapping[str, Any],
    actor: Actor,
    trigger: Execution.Trigger,
    *,
    paused: bool = False,
    debug: bool = False,
    break_on_exception: bool = False,
) -> Execution:
    """Insert an execution as Queued and, on commit, send the message that names it.

    With `debug`, it gets the breakpoints that the actor keeps for the flow. With that or
    `break_on_exception`, the actor debugs it and its children. `inputs` maps names to values (not
    to their JSON form). Raises NotStarted with messages.
    """
    debugs = debug or break_on_exception
    plan = DebugPlan(break_on_exception)
    if debug and actor.user_id:
        plan.breakpoints = kept_for_flow(actor.user_id, version.flow.name)
    request = StartRequest(
        version,
        inputs,
        initiator_id=actor.user_id,
        initiator_name=actor.name,
        trigger=trigger,
        paused=paused,
        plan=plan,
        giver_id=actor.user_id,
        debugged_by_id=actor.user_id if debugs else None,
        debugged_by_name=actor.name if debugs else "",
    )
    detail = ", ".join(
        text
        for text, applies in (
            ("paused at the first block", paused),
            ("with breakpoints", debug),
            ("breaks on exceptions", break_on_exception),
        )
        if applies
    )
    return begin(request, actor, detail)


def begin(request: StartRequest, actor: Actor, detail: str) -> Execution:
    """Insert the execution that is asked for as Queued and, on commit, send the message that names
    it. `detail` is for the audit. Raises NotStarted with messages."""
    with transaction.atomic():
        execution = insert(request)
        audit.record(actor, "start", execution=execution, detail=detail)
        enqueue(execution)
        publish([event_of_new(execution)])
    return execution


def start_many(
    version: FlowVersion,
    inputs: Sequence[Mapping[str, Any]],
    actor: Actor,
    trigger: Execution.Trigger,
) -> list[Execution]:
    """Start an execution with each of the inputs, or none of them. Raises NotStarted with messages.

    All of them are inserted, audited and published together.
    """
    requests = [
        StartRequest(
            version,
            given,
            initiator_id=actor.user_id,
            initiator_name=actor.name,
            trigger=trigger,
            giver_id=actor.user_id,
        )
        for given in inputs
    ]
    with transaction.atomic():
        executions = insert_many(requests)
        audit.write([audit.entry(actor, "start", execution=one) for one in executions])
        enqueue_many(executions)
        publish(event_of_new(one) for one in executions)
    return executions
