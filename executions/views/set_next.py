"""Previews setting the next block of one execution or of many.

The page changes nothing; its form gives the command `set-next` (`executions.views.commands`).
"""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from executions import access, idempotency
from executions.commands.debugging import set_next as command
from executions.commands.refusals import refusal
from executions.commands.request import CommandRefused
from executions.engine.moving import MovePreview
from executions.models import Execution
from executions.views import selection
from flows import queries


@dataclass(frozen=True, slots=True)
class Move:
    """An execution, the block of its token, and the preview of moving it, or why it is refused."""

    execution: Execution
    block_title: str
    preview: MovePreview | None
    refusal: str


@require_http_methods(["GET", "HEAD", "POST"])
def set_next(request: HttpRequest) -> HttpResponse:
    """Show the executions of the `id` parameters and, once `block` names one, what setting that
    block would do to each. htmx gets only the preview, for the diagram. The grid posts the same
    parameters, because its ids would make a long address; that changes nothing either."""
    asked = request.POST if request.method == "POST" else request.GET
    ids = list(selection.read_selection(asked))
    executions = list(
        access.visible(request.user)
        .filter(pk__in=ids)
        .order_by("started_at")
        .select_related("version__flow")
    )
    flows = sorted({execution.flow_name for execution in executions})
    target = asked.get("block", "")
    moves = []
    if len(flows) == 1 and target:
        moves = [_move(request.user, execution, target) for execution in executions]
    context: dict[str, Any] = {
        "section": "executions",
        "executions": executions,
        "flows": flows,
        "blocks": _blocks(executions) if len(flows) == 1 else [],
        "target": target,
        "title": _title(executions, target),
        "moves": moves,
        "possible": [move for move in moves if move.preview],
        "refused": [move for move in moves if not move.preview],
        "form": idempotency.new_key(),
        "next": _return_address(request, asked, executions),
    }
    fragment = bool(getattr(request, "htmx", False))
    template = "executions/set_next_preview.html" if fragment else "executions/set_next.html"
    response = render(request, template, context)
    return response


def _move(user: access.User, execution: Execution, target: str) -> Move:
    node = queries.compiled(execution.version_id).blocks.get(execution.block)
    title = node.title if node else execution.block
    if why := refusal(command.COMMAND, user, execution):
        return Move(execution, title, None, why)
    try:
        return Move(execution, title, command.preview(execution.pk, target), "")
    except CommandRefused as refused:
        return Move(execution, title, None, str(refused))


def _blocks(executions: list[Execution]) -> list[tuple[str, str]]:
    """The key and the title of each block of the versions that run, with its workspace."""
    found: dict[str, str] = {}
    for version_id in dict.fromkeys(execution.version_id for execution in executions):
        graph = queries.compiled(version_id)
        for key, node in graph.blocks.items():
            name = graph.workspaces[node.workspace].name
            found.setdefault(key, f"{node.title} ({name})")
    return list(found.items())


def _title(executions: list[Execution], target: str) -> str:
    for execution in executions:
        node = queries.compiled(execution.version_id).blocks.get(target)
        if node is not None:
            return node.title
    return target


def _return_address(request: HttpRequest, asked: QueryDict, executions: list[Execution]) -> str:
    """Where to go afterwards: `next`, the grid as it was (its form sends `query`), the execution,
    or the grid."""
    there = asked.get("next", "")
    if url_has_allowed_host_and_scheme(there, {request.get_host()}, request.is_secure()):
        return there
    if "query" in asked:
        return f"{reverse('executions')}?{asked['query']}"
    only = executions[0].get_absolute_url() if len(executions) == 1 else ""
    return only or reverse("executions")
