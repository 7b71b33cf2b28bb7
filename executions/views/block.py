"""The menu of a block on the diagram of an execution: its visits, and the commands for it.

Without scripts, the list of blocks below the diagram offers the same.
"""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from executions import idempotency
from executions.commands.refusals import refusal
from executions.commands.registry import COMMANDS
from executions.store.debug_plan import plan_of
from executions.views import visits
from executions.views.address import Address
from executions.views.detail.subject import Subject
from flows import access as flows_access
from flows.blocks.reference import anchor
from flows.diagram.drawing import port_names
from flows.graph import NO_SUCH_BLOCK, BlockNode
from flows.value_sources import Literal


@require_safe
def block(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """Show the menu of the block named by `block`, with its visits until `step`. Its commands
    always apply to the present."""
    address = Address.parse({"step": request.GET.get("step", "")})
    subject = Subject(request.user, execution_id, address)
    execution, graph, past = subject.execution, subject.graph, subject.past
    node = graph.blocks.get(request.GET.get("block", ""))
    if node is None:
        raise Http404(NO_SUCH_BLOCK)
    names = port_names(node)
    counted = {port: number for (key, port), number in past.visits.items() if key == node.key}
    took = visits.times(past.durations, graph, node.workspace)

    def why_not(command: str) -> str:
        return refusal(COMMANDS[command], request.user, execution)

    context = {
        "execution": execution,
        "node": node,
        "shape": visits.shape_icon(node),
        "visits": sum(counted.values()),
        "took": visits.step_duration(took[node.key]),
        "ways": [(names.get(port, port), counted.get(port.value, 0)) for port in node.ports],
        "here": any(token.block == node.key for token in subject.tokens),
        "step": None if subject.is_live else past.step,
        "is_kept": past.is_kept,
        "breakpoint": plan_of(execution.debug).breakpoints.get(node.key),
        "opens": f"?workspace={node.key}" if node.block.opens_workspace else "",
        "flow": _flow(request, node),
        "no_breakpoint": why_not("breakpoint"),
        "no_run_to": why_not("run-to"),
        "no_set_next": why_not("set-next"),
        "set_next_url": reverse("set-next"),
        "help": f"{reverse('help-blocks')}#{anchor(node.block.type)}",
        "form": idempotency.new_key(),
    }
    response = render(request, "executions/detail/block.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _flow(request: HttpRequest, node: BlockNode) -> Any:
    """Return the flow that a block runs, if it is named literally and the user may see it."""
    source = node.sources.get("Flow")
    if not isinstance(source, Literal) or not isinstance(source.value, str):
        return None
    try:
        return flows_access.get(request.user, source.value)
    except Http404:
        return None
