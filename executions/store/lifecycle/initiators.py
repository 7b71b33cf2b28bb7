"""Who started an execution, as its flow reads it from `_executionContext` (semantics 30)."""

from typing import Any
from uuid import UUID

from executions.engine.program import compile_program
from executions.models import Execution
from executions.store.lifecycle.claims import Claimed
from flows import pretty_json
from flows.graph import FlowGraph

#: How who starts something on the pages has signed in.
SESSION = "Session"
_ON_PAGES = frozenset({Execution.Trigger.PAGE, Execution.Trigger.RETRY})


def context(claimed: Claimed, graph: FlowGraph) -> dict[str, Any]:
    """The built-in variable of a claimed execution, without its Extensions. Who started it is
    looked up for a flow that reads it, or a breakpoint's condition that may."""
    known = {"ExecutionId": str(claimed.id)}
    if claimed.watch is None and not compile_program(graph).reads_context:
        return known
    return known | {"Initiator": initiator(claimed.event.root_id)}


def shown(execution: Execution, extensions: Any) -> dict[str, Any]:
    """The whole built-in variable, as people see it (semantics 93), with the stored form of its
    Extensions: the only part of it that changes."""
    return {
        "ExecutionId": str(execution.pk),
        "Initiator": initiator(execution.root_id),
        "Extensions": pretty_json.decoded(extensions) or {},
    }


def initiator(root_id: UUID | str) -> dict[str, Any]:
    """Who started an execution or the one around it: their name, how they signed in, and what is
    known of them at this moment as claims: groups as roles, and permissions.

    Nobody has claims who started it without an account, or whose account is gone or inactive.
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
