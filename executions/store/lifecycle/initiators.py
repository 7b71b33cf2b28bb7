"""The built-in variable `_executionContext`: who started an execution (semantics 30)."""

from typing import Any
from uuid import UUID

from executions.engine.program import compile_program
from executions.models import Execution
from executions.store.lifecycle.claims import ClaimedExecution
from flows import pretty_json
from flows.graph import FlowGraph

#: The authentication type of somebody who starts an execution on the pages.
SESSION = "Session"
_ON_PAGES = frozenset({Execution.Trigger.PAGE, Execution.Trigger.RETRY, Execution.Trigger.AGAIN})


def claimed_context(claimed: ClaimedExecution, graph: FlowGraph) -> dict[str, Any]:
    """Return the built-in variable of a claimed execution, without its Extensions. Who started it
    is looked up only for a flow that reads it, or where a breakpoint's condition may."""
    known = {"ExecutionId": str(claimed.id)}
    if claimed.stepper is None and not compile_program(graph).reads_context:
        return known
    return known | {"Initiator": initiator(claimed.event.root_id)}


def execution_context(execution: Execution, extensions: Any) -> dict[str, Any]:
    """Return the whole built-in variable, as people see it (semantics 93). Only its Extensions ever
    change; they are given in their stored form."""
    return {
        "ExecutionId": str(execution.pk),
        "Initiator": initiator(execution.root_id),
        "Extensions": pretty_json.decode(extensions) or {},
    }


def initiator(root_id: UUID | str) -> dict[str, Any]:
    """Return who started a family of executions: their name, how they signed in, and their claims
    at this moment: groups as roles, and permissions.

    Somebody without an account, or whose account is gone or inactive, has no claims but a name.
    """
    root = Execution.objects.select_related("initiator").get(pk=root_id)
    trigger = Execution.Trigger(root.trigger)
    claims = [("name", root.initiator_name)]
    if root.initiator is not None and root.initiator.is_active:
        groups = root.initiator.groups.order_by("name").values_list("name", flat=True)
        claims += [("role", name) for name in groups]
        claims += [("permission", name) for name in sorted(root.initiator.get_all_permissions())]
    return {
        "Name": root.initiator_name,
        "AuthenticationType": SESSION if trigger in _ON_PAGES else trigger.value,
        "IsAuthenticated": True,
        "Claims": [{"Type": kind, "Value": value} for kind, value in claims],
    }
