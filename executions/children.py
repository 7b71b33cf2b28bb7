"""Child executions: Run Flow and Run Flow Async insert them, and ask what became of them."""

from collections.abc import Sequence
from uuid import UUID

from executions.dispatch import enqueue
from executions.engine.interpreter import Interpreter
from executions.limits import MAX_CHILDREN, MAX_DEPTH
from executions.models import Execution
from executions.publishing import publish
from executions.store.lifecycle import secret_storage
from executions.store.lifecycle.claims import ClaimedExecution
from executions.store.lifecycle.starts import NotStarted, StartRequest, event_of_new, insert
from executions.store.read.task_states import task_states
from flows import queries, values
from flows.blocks.base import RunChild
from flows.blocks.errors import exception
from flows.models import Flow
from flows.task_values import States


def insert_child(
    claimed: ClaimedExecution,
    asked: RunChild,
    interpreter: Interpreter,
) -> UUID:
    """Insert a child that the present block of a claimed execution starts; its message is sent on
    commit. What its parent keeps secret, it does too.

    Raises ExecutionDepthException, TooManyChildrenException, FlowNotFoundException,
    ProcessInActivityException or InvalidInputVariablesException as a BlockException
    (semantics 63, 66).
    """
    if claimed.event.depth >= MAX_DEPTH:
        raise exception("ExecutionDepthException", f"Run Flow is nested deeper than {MAX_DEPTH}.")
    if claimed.event.child_count >= MAX_CHILDREN:
        raise exception(
            "TooManyChildrenException",
            f"The execution has started {MAX_CHILDREN:,} children already.",
        )
    version = queries.latest_published(asked.flow)
    if version is None:
        raise exception("FlowNotFoundException", f"There is no published flow '{asked.flow}'.")
    kind = queries.compiled(claimed.version_id).kind
    if version.flow.kind == Flow.Kind.PROCESS and kind != Flow.Kind.PROCESS:
        raise exception(
            "ProcessInActivityException",
            f"'{asked.flow}' is a process, which an activity cannot run.",
        )
    parent = Execution.objects.only(
        "id",
        "root_id",
        "depth",
        "flow_name",
        "initiator_id",
        "debugged_by_id",
        "debugged_by_name",
        "debug",
    ).get(pk=claimed.id)
    trigger = Execution.Trigger.PARENT if asked.awaited else Execution.Trigger.TASK
    try:
        child = insert(
            StartRequest(
                version,
                values.copy(asked.inputs),
                initiator_id=parent.initiator_id,
                initiator_name=parent.flow_name,
                trigger=trigger,
                parent=parent,
                called_by=interpreter.frames[-1].block,
                extensions=interpreter.extensions,
                secret_texts=interpreter.secrets.texts if interpreter.secrets else (),
                giver_id=_giver(claimed, parent),
            )
        )
    except NotStarted as refused:
        raise exception(
            "InvalidInputVariablesException",
            "Couldn't initialize variable store because of invalid input variables.",
            extra={"InvalidVariableErrors": {m.location: m.summary for m in refused.messages}},
        ) from None
    enqueue(child)
    publish([event_of_new(child)])
    return child.pk


def child_states(
    claimed: ClaimedExecution, interpreter: Interpreter, ids: Sequence[str], *, lock: bool = False
) -> States:
    """Return the states of executions of its family, as `task_states` does; what they keep secret
    is kept secret here too."""
    found = task_states(claimed.event.root_id, ids, lock=lock)
    for state in found.values():
        interpreter.keep_secret(state.secret_texts)
    return found


def _giver(claimed: ClaimedExecution, parent: Execution) -> int | None:
    """Return who gave the secrets that a child gets: whoever gave its parent's."""
    return parent.initiator_id if claimed.secrets is None else secret_storage.giver(claimed.secrets)
