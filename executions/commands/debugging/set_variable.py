"""Set variable: change a variable of a paused execution, or a part of its value.

Fields: `level` of the scope (0 is the top-level one) and `name`, or `variable` as "level:name";
`path` of the part (`flows.value_paths`); `value` as JSON in the typed form of `flows.values` (a
Text may be plain); `retype` to change the type too. `was` is the fingerprint of the value that the
person saw: another value is not overwritten.

The values of a secret variable are shown to nobody. It is always replaced as a whole.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.crypto import salted_hmac

from executions.commands.command import Command, DebugLeaseRule
from executions.commands.debugging.interpreter import interpreter_of
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.engine.interpreter import Interpreter
from executions.engine.state import Frame
from executions.states import RESUMABLE, Status
from executions.store.lifecycle import claims, secret_storage
from executions.store.lifecycle.checkpoints import rewrite
from executions.store.lifecycle.interventions import Cause
from flows import parsing, queries, value_paths, values
from flows.graph import FlowGraph, VariableNode
from flows.values import MASK, MASKED

#: Characters that a value may be typed in.
LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Edit:
    """What a request would change: the part before and after it, as people may see it, and the new
    value of the variable."""

    level: int
    name: str
    #: Whether there was something, and what.
    is_set: bool
    before: Any
    after: Any
    whole: Any
    #: The fingerprint of what the variable claimed.
    was: str


def execute(request: CommandRequest) -> Changes | None:
    claimed = claims.lock_without_worker(request.execution.pk, COMMAND.applies_to)
    if claimed is None:
        return None
    graph = queries.compiled(claimed.version_id)
    interpreter = interpreter_of(claimed, graph)
    edit = _edit(request, graph, interpreter)
    if request.text("was") not in ("", edit.was):
        raise CommandRefused(
            f"{edit.name} has changed since you opened it. Look at its value again."
        )
    interpreter.set_variable(edit.level, edit.name.casefold(), edit.whole)
    event = rewrite(claimed, interpreter, claimed.state, Cause("set-variable", request.actor.name))
    if claimed.secrets is not None:
        secret_storage.forget_giver(claimed.event.root_id, request.user.pk)
    old = values.summary(edit.before) if edit.is_set else "not set"
    path = request.text("path")
    name = f"{edit.name}.{path}" if path else edit.name
    return Changes([event], f"{name}: {old} → {values.summary(edit.after)}")


def preview(execution_id: UUID, request: CommandRequest) -> Edit:
    """Preview what the request would change. Raises CommandRefused."""
    claimed = claims.read(execution_id)
    why = COMMAND.refusal(Status(claimed.event.status))
    if why:
        raise CommandRefused(why)
    graph = queries.compiled(claimed.version_id)
    return _edit(request, graph, interpreter_of(claimed, graph))


def _fingerprint(value: Any, is_set: bool) -> str:
    """A text that differs when the value of a variable does, and reveals nothing else of it."""
    form = json.dumps(values.encode(value), sort_keys=True) if is_set else ""
    return salted_hmac("executions.set-variable", form, algorithm="sha256").hexdigest()[:24]


def _edit(request: CommandRequest, graph: FlowGraph, interpreter: Interpreter) -> Edit:
    level, variable = _find(request, graph, interpreter.frames)
    frame, key = interpreter.frames[level], variable.name.casefold()
    is_set, whole = key in frame.variables, frame.variables.get(key)
    was = _fingerprint(whole, is_set)
    keys = value_paths.split(request.text("path"))
    if interpreter.secrets is not None and MASK in request.fields.get("value", ""):
        raise CommandRefused(f"{MASK} stands for a secret. Enter the value that replaces it.")
    if variable.is_secret:
        if keys:
            raise CommandRefused(f"{variable.name} is secret. Enter its whole value.")
        value = _secret(request, variable)
        return Edit(level, variable.name, is_set, MASKED if is_set else None, MASKED, value, was)
    exists, before = value_paths.follow(whole, keys)
    if not exists:
        raise CommandRefused(f"{variable.name} no longer has this part.")
    kind = values.type_name(before) if before is not None else "" if keys else variable.type
    value = _parse(request.fields.get("value", ""), kind, request.is_checked("retype"))
    given = values.type_name(value)
    if kind and given != kind and not request.is_checked("retype"):
        raise CommandRefused(
            f"{variable.name} has the type {kind}, not {given}. "
            "Check 'Change its type' to save this."
        )
    try:
        whole = value_paths.replace(whole, keys, value)
    except KeyError:
        raise CommandRefused(
            f"This part of {variable.name} cannot be edited by itself. Edit the whole value."
        ) from None
    if (known := interpreter.secrets) is not None:
        before, value = known.redact(before), known.redact(value)
    return Edit(level, variable.name, is_set, before, value, whole, was)


def _secret(request: CommandRequest, variable: VariableNode) -> Any:
    """What a secret variable is given. A refusal must not repeat any of it."""
    retype = request.is_checked("retype")
    try:
        value = _parse(request.fields.get("value", ""), variable.type, retype)
    except CommandRefused:
        wanted = f"a value of type {variable.type}" if variable.type else "valid JSON"
        raise CommandRefused(f"Enter {wanted} for {variable.name}.") from None
    given = values.type_name(value)
    if variable.type and given != variable.type and not retype:
        raise CommandRefused(
            f"{variable.name} has the type {variable.type}. Check 'Change its type' to save this."
        )
    return value


def _find(
    request: CommandRequest, graph: FlowGraph, frames: Sequence[Frame]
) -> tuple[int, VariableNode]:
    level, name = request.text("level") or "0", request.text("name").casefold()
    if not name:
        level, _, name = request.text("variable").casefold().partition(":")
    if not (level.isascii() and level.isdigit() and len(level) < 5) or int(level) >= len(frames):
        raise CommandRefused("The token is no longer in that workspace.")
    frame = frames[int(level)]
    for variable in graph.workspaces[frame.workspace].variables:
        if variable.name.casefold() == name:
            return int(level), variable
    raise CommandRefused("This variable does not exist in the workspace.")


def _parse(text: str, kind: str, retype: bool) -> Any:
    if len(text) > LIMIT:
        raise CommandRefused(f"A value has at most {LIMIT:,} characters.")
    if kind == "Text" and not retype and text[:1] != '"':
        return text.replace("\r\n", "\n")  # as browsers send the ends of lines
    try:
        value = _typed(text, "" if retype else kind)
    except parsing.ParseError as problem:
        hint = " A text needs quotation marks." if problem.is_syntax and kind != "Text" else ""
        raise CommandRefused(f"{problem}{hint}") from None
    # A whole number is a Number too.
    return float(value) if kind == "Number" and type(value) is int and not retype else value


def _typed(text: str, kind: str) -> Any:
    """A value as people write those of its type, else JSON. Raises ParseError for neither."""
    if kind not in parsing.NOTED:
        return parsing.value(text)
    try:
        return parsing.of_type(kind, timezone.get_current_timezone())(text)
    except parsing.ParseError as problem:
        with suppress(parsing.ParseError):
            return parsing.value(text)
        raise problem


COMMAND = Command(
    name="set-variable",
    summary="Change the value of a variable, or a part of it.",
    details=(
        "The fields `level` and `name` tell the variable, `path` the part, `value` the new value. "
        "Its type is kept unless `retype` is set. A value that has changed since the person looked "
        "(`was`) is not overwritten. The audit entry keeps both values."
    ),
    past="changed",
    icon="edit",
    applies_to=RESUMABLE,
    execute=execute,
    debugs=True,
    diverts=True,
    lease=DebugLeaseRule.TAKES,
)
