"""Run again: start an execution that has ended anew, from Start Flow, with its inputs or others.

Fields: `version`, "newest" or the one that it ran; `input-<name>`, what an input is instead: a
value as people type it, or `=` and an expression over the old inputs. An input without a field, or
with an empty one, stays. `counts`: the new one counts as a retry, so that the old one is superseded
when it ends well.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from executions import access, audit
from executions.access import User
from executions.commands.command import Bulk, Command, DebugLeaseRule
from executions.commands.permissions import no_secrets
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.dispatch import enqueue
from executions.models import Execution
from executions.states import TERMINAL
from executions.store.lifecycle import claims, retries, secret_storage
from executions.store.lifecycle.claims import ClaimedExecution
from executions.store.lifecycle.starts import NotStarted, StartRequest, events, insert
from flows import parsing, queries, value_sources, values
from flows.expressions import ExpressionError
from flows.graph import FlowGraph, VariableNode
from flows.models import FlowVersion
from flows.value_sources import WithVariables

PREFIX = "input-"
#: Bytes of the largest value that an expression gives.
LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What running an execution again would start: a version, and the inputs, of which `changed`
    differ from the old ones."""

    version: FlowVersion
    graph: FlowGraph
    inputs: Mapping[str, Any]
    changed: Mapping[str, Any]


def plan(user: User, claimed: ClaimedExecution, fields: Mapping[str, str]) -> Plan:
    """What the fields ask for. Raises CommandRefused."""
    version = _version(claimed, fields.get("version", ""))
    graph = queries.compiled(version.pk)
    old_graph = queries.compiled(claimed.version_id)
    secret = {one.name.casefold() for g in (old_graph, graph) for one in g.inputs if one.is_secret}
    readable = {
        name.casefold(): value
        for name, value in claimed.inputs.items()
        if name.casefold() not in secret
    }
    declared = {one.name.casefold() for one in graph.inputs}
    inputs = {n: v for n, v in claimed.inputs.items() if n.casefold() in declared}
    by_name = {name.casefold(): name for name in inputs}
    changed = {}
    for variable in graph.inputs:
        text = fields.get(PREFIX + variable.name, "")
        if text.strip():
            name = by_name.get(variable.name.casefold(), variable.name)
            value = _value(variable, text, readable)
            # Of a secret, nobody learns whether they have guessed it.
            if variable.is_secret or name not in inputs or not _is_same(inputs[name], value):
                inputs[name] = changed[variable.name] = value
    _check_secrets(user, claimed, is_other=bool(changed) or version.pk != claimed.version_id)
    return Plan(version, graph, inputs, changed)


def _is_same(one: Any, other: Any) -> bool:
    return json.dumps(values.encode(one)) == json.dumps(values.encode(other))


def _version(claimed: ClaimedExecution, asked: str) -> FlowVersion:
    newest = queries.latest_published(claimed.event.flow_name) if asked == "newest" else None
    return newest or FlowVersion.objects.select_related("flow").get(pk=claimed.version_id)


def _check_secrets(user: User, claimed: ClaimedExecution, *, is_other: bool) -> None:
    """With other inputs, or in another version, a flow could reveal what somebody else gave it."""
    if claimed.secrets is None or not is_other:
        return
    is_own = secret_storage.giver(claimed.secrets) == user.pk
    if not is_own and not access.has_debug_secrets_permission(user):
        raise CommandRefused(no_secrets(user))


def _value(variable: VariableNode, text: str, old: Mapping[str, Any]) -> Any:
    name = variable.name
    if text.startswith("="):
        if variable.is_secret:
            raise CommandRefused(f"{name} is secret. Type its value; an expression cannot give it.")
        try:
            source = WithVariables(value_sources.parse(text), old)
            return value_sources.evaluate_constant(source, LARGEST)
        except KeyError as missing:
            told = f"{missing.args[0]} was no input of it, or is secret"
        except (ExpressionError, ValueError) as problem:
            told = str(problem)
        raise CommandRefused(f"{name}: {told.rstrip('.')}.")
    try:
        return parsing.typed(variable.type, text)
    except parsing.ParseError as problem:
        told = "This cannot be read." if variable.is_secret else str(problem)
    raise CommandRefused(f"{name}: {told}")


def execute(request: CommandRequest) -> Changes | None:
    if not access.may_start(request.user, request.execution.flow_name):
        raise CommandRefused("You may not start flows.")
    old = claims.lock_without_worker(request.execution.pk, COMMAND.applies_to)
    if old is None:
        return None
    planned = plan(request.user, old, request.fields)
    secret = {one.name for one in planned.graph.inputs if one.is_secret}
    if request.actor.source == "bulk job" and secret & planned.changed.keys():
        # What a job is given is kept as it is.
        raise CommandRefused("Another secret can be given to a few executions at a time only.")
    counts = request.is_checked("counts")
    try:
        fresh = insert(
            StartRequest(
                planned.version,
                planned.inputs,
                initiator_id=request.actor.user_id,
                initiator_name=request.actor.name,
                trigger=Execution.Trigger.RETRY if counts else Execution.Trigger.AGAIN,
                origin_id=old.id,
                extensions=values.decode(old.state.get("extensions")),
                secret_texts=old.secret_texts,
                giver_id=secret_storage.giver(old.secrets) or request.actor.user_id,
            )
        )
    except NotStarted as refused:
        raise CommandRefused(str(refused)) from None
    enqueue(fresh)
    others = f" with other {', '.join(planned.changed)}" if planned.changed else ""
    where = f"in v{planned.version.number}{others}"
    audit.record(request.actor, "start", execution=fresh, detail=f"{old.id} again, {where}")
    begun = retries.begin(fresh.pk)
    return Changes([*events([fresh.pk]), *begun], f"as {fresh.pk} {where}", started=fresh.pk)


COMMAND = Command(
    name="run-again",
    summary="Start an execution that has ended anew, from Start Flow, with its inputs or others.",
    details=(
        "The field `input-<name>` gives an input: a value, or `=` and an expression over the old "
        "inputs. With `version=newest` it runs in the newest version. With `counts` the new one "
        "counts as a retry."
    ),
    past="run again",
    icon="play",
    applies_to=TERMINAL,
    execute=execute,
    lease=DebugLeaseRule.IGNORES,
    page="run-again",
    bulk=Bulk.SELECTED,
)
