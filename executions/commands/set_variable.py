"""Edit a variable of a paused execution, or a part of what it holds. Fields: `level` of the scope
(0 is the top-level one) and `name`, or `variable` as "level:name"; `path` of the part
(`flows.paths`); `value` as JSON in the typed form of `flows.values` (for a Text also as it is), and
`retype` to change the type on purpose. `was` is the fingerprint of what the variable held when the
person looked: another value is not overwritten unseen.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from executions.commands.holding import interpreter_of
from executions.commands.order import Done, Order, Refused
from executions.engine.state import Frame
from executions.states import APPLIES, Status, refusal
from executions.store import claims
from executions.store.checkpoints import rewrite
from executions.store.interventions import Cause
from flows import paths, queries, values
from flows.graph import FlowGraph, VariableNode

#: Characters that a value may be typed in.
LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Edit:
    """What an order comes to: the part before and after it, and what the variable then holds."""

    frame: Frame
    name: str
    #: Whether there was something, and what.
    is_set: bool
    before: Any
    after: Any
    whole: Any
    #: The fingerprint of what the variable held.
    was: str


def execute(order: Order) -> Done | None:
    held = claims.lock_parked(order.execution.pk, APPLIES["set-variable"])
    if held is None:
        return None
    graph = queries.compiled(held.version_id)
    interpreter = interpreter_of(held, graph)
    edit = _edit(order, graph, interpreter.frames)
    if order.text("was") not in ("", edit.was):
        raise Refused(f"{edit.name} has changed since you looked: see what it holds now.")
    key = edit.name.casefold()
    edit.frame.variables[key] = edit.whole
    edit.frame.changed.add(key)
    event = rewrite(held, interpreter, held.state, Cause("set-variable", order.actor.name))
    old = values.summary(edit.before) if edit.is_set else "not set"
    path = order.text("path")
    told = f"{edit.name}.{path}" if path else edit.name
    return Done([event], f"{told}: {old} → {values.summary(edit.after)}")


def foresee(execution_id: UUID, order: Order) -> Edit:
    """What the order would come to now. Raises Refused."""
    held = claims.read(execution_id)
    why = refusal("set-variable", Status(held.event.status))
    if why:
        raise Refused(why)
    graph = queries.compiled(held.version_id)
    return _edit(order, graph, interpreter_of(held, graph).frames)


def _fingerprint(value: Any, is_set: bool) -> str:
    """Tells whether a variable still holds what it held."""
    form = json.dumps(values.encode(value), sort_keys=True) if is_set else ""
    return hashlib.blake2b(form.encode(), digest_size=12).hexdigest()


def _edit(order: Order, graph: FlowGraph, frames: list[Frame]) -> Edit:
    frame, variable = _find(order, graph, frames)
    key = variable.name.casefold()
    is_set, whole = key in frame.variables, frame.variables.get(key)
    was = _fingerprint(whole, is_set)
    keys = paths.split(order.text("path"))
    exists, before = paths.follow(whole, keys)
    if not exists:
        raise Refused(f"{variable.name} has no such part now.")
    kind = values.type_name(before) if before is not None else "" if keys else variable.type
    value = _parse(order.fields.get("value", ""), kind, order.ticked("retype"))
    given = values.type_name(value)
    if kind and given != kind and not order.ticked("retype"):
        raise Refused(f"{variable.name} is of type {kind}, not {given}: change it on purpose.")
    try:
        whole = paths.replaced(whole, keys, value)
    except KeyError:
        raise Refused(f"That part of {variable.name} cannot be edited by itself.") from None
    return Edit(frame, variable.name, is_set, before, value, whole, was)


def _find(order: Order, graph: FlowGraph, frames: list[Frame]) -> tuple[Frame, VariableNode]:
    level, name = order.text("level") or "0", order.text("name").casefold()
    if not name:
        level, _, name = order.text("variable").casefold().partition(":")
    if not (level.isascii() and level.isdigit() and len(level) < 5) or int(level) >= len(frames):
        raise Refused("The execution is in no such workspace now.")
    frame = frames[int(level)]
    for variable in graph.workspaces[frame.workspace].variables:
        if variable.name.casefold() == name:
            return frame, variable
    raise Refused("The workspace has no such variable.")


def _parse(text: str, kind: str, retype: bool) -> Any:
    if len(text) > LIMIT:
        raise Refused(f"A value has at most {LIMIT:,} characters.")
    if kind == "Text" and not retype and text[:1] != '"':
        return text.replace("\r\n", "\n")  # as browsers send the ends of lines
    try:
        value = values.decode(json.loads(text, parse_constant=_no_constant))
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise Refused(f"The value is not valid JSON: {problem}") from None
    if values.too_deep(value):
        raise Refused(f"A value is nested no deeper than {values.LEVELS} levels.")
    # A whole number is a Number too.
    return float(value) if kind == "Number" and type(value) is int and not retype else value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is none")
