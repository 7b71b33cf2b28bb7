"""Previews running executions again, with inputs of their own.

The page changes nothing; its form gives the command `run-again` (`executions.views.commands`).
"""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from executions import access, idempotency
from executions.commands.lifecycle import run_again as command
from executions.commands.refusals import refusal
from executions.commands.request import CommandRefused
from executions.models import Execution
from executions.states import TERMINAL
from executions.store.lifecycle import claims
from executions.views import selection
from flows import parsing, pretty_json, queries, values
from flows.graph import VariableNode
from flows.values import MASK

#: Executions for which the preview says what would be started.
PREVIEWED = 10
#: Characters of a value that the form is filled in with.
EDITABLE = 10_000


@dataclass(frozen=True, slots=True)
class Field:
    """An input, and what is typed for it."""

    variable: VariableNode
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Previewed:
    """An execution and the inputs that would be others, or why it would be refused."""

    execution: Execution
    changes: list[tuple[str, str, str]]
    refusal: str


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def run_again(request: HttpRequest) -> HttpResponse:
    """Show the form for the executions of the `id` parameters and, once it is posted, what it
    would start for the first ten."""
    asked = request.POST if request.method == "POST" else request.GET
    ids = list(selection.read_selection(asked))
    visible = access.visible(request.user).filter(pk__in=ids)
    executions = list(visible.order_by("started_at").select_related("version__flow"))
    flows = sorted({execution.flow_name for execution in executions})
    is_one_flow = len(flows) == 1
    fields = {name: value for name, value in asked.items() if isinstance(value, str)}
    is_preview = "preview" in request.POST
    context: dict[str, Any] = {
        "section": "executions",
        "executions": executions,
        "flows": flows,
        "over": sum(one.status in TERMINAL for one in executions),
        "newest": queries.latest_published(flows[0]) if is_one_flow else None,
        "is_newest": asked.get("version") == "newest",
        "counts": "counts" in asked,
        "fields": _fields(executions, fields, is_preview) if is_one_flow else [],
        "previewed": _preview(request.user, executions, fields)
        if is_one_flow and is_preview
        else [],
        "form": idempotency.new_key(),
    }
    response = render(request, "executions/run_again.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _fields(executions: list[Execution], typed: dict[str, str], is_preview: bool) -> list[Field]:
    """The inputs of the versions, filled in with what was typed, or with those of the only one."""
    found: dict[str, VariableNode] = {}
    versions = {one.version_id for one in executions}
    newest = queries.latest_published(executions[0].flow_name)
    for version_id in versions | ({newest.pk} if newest else set()):
        found |= {one.name: one for one in queries.compiled(version_id).inputs}
    is_one = len(executions) == 1
    old = pretty_json.decode(executions[0].inputs) if is_one else {}
    fields = []
    for name, variable in found.items():
        if variable.is_secret and not is_one:
            continue
        key = command.PREFIX + name
        text = typed.get(key, "")
        if not is_preview and not text and name in old and not variable.is_secret:
            text = _text(variable, old[name])
        fields.append(Field(variable, key, "" if variable.is_secret else text))
    return fields


def _text(variable: VariableNode, value: Any) -> str:
    """A value as the command reads it; "" for one that is too long to be edited, or of which a part
    is masked."""
    if variable.type == "Text" and isinstance(value, str):
        escaped = f"\\{value}" if value[:1] in ("=", "\\") else value
        text = escaped if value.strip() else parsing.EMPTY_TEXT if not value else ""
    elif variable.type == "Date Time":
        text = value.isoformat() if hasattr(value, "isoformat") else ""
    else:
        text = "" if MASK in str(value) else json.dumps(values.encode(value), ensure_ascii=False)
    return text if len(text) <= EDITABLE and MASK not in text else ""


def _preview(
    user: access.User, executions: list[Execution], fields: dict[str, str]
) -> list[Previewed]:
    return [_previewed(user, one, fields) for one in executions[:PREVIEWED]]


def _previewed(user: access.User, execution: Execution, fields: dict[str, str]) -> Previewed:
    if why := refusal(command.COMMAND, user, execution):
        return Previewed(execution, [], why)
    claimed = claims.read(execution.pk)
    try:
        planned = command.plan(user, claimed, fields)
    except CommandRefused as refused:
        return Previewed(execution, [], str(refused))
    secret = {one.name for one in planned.graph.inputs if one.is_secret}
    shown = pretty_json.decode(execution.inputs)
    changes = [
        (name, "", "another secret")
        if name in secret
        else (name, values.summary(shown[name]) if name in shown else "", values.summary(value))
        for name, value in planned.changed.items()
    ]
    return Previewed(execution, changes, "")
