"""Edit a variable of a paused execution. Fields: `level` of the scope (0 is the top-level one) and
`name`, or `variable` as "level:name"; `value` as JSON in the typed form of `flows.values` (for a
Text also as it is), and `retype` to change the type on purpose.
"""

import json
from typing import Any

from executions.commands.holding import interpreter_of
from executions.commands.order import Done, Order, Refused
from executions.engine.state import Frame
from executions.states import APPLIES
from executions.store import claims
from executions.store.checkpoints import rewrite
from executions.store.interventions import Cause
from flows import queries, values
from flows.graph import FlowGraph, VariableNode

#: Characters that a value may be typed in.
LIMIT = 1_000_000


def execute(order: Order) -> Done | None:
    held = claims.lock_parked(order.execution.pk, APPLIES["set-variable"])
    if held is None:
        return None
    graph = queries.compiled(held.version_id)
    interpreter = interpreter_of(held, graph)
    frame, variable = _find(order, graph, interpreter.frames)
    key = variable.name.casefold()
    known = key in frame.variables
    before = frame.variables.get(key)
    kind = values.type_name(before) if before is not None else variable.type
    value = _parse(order.fields.get("value", ""), kind, order.ticked("retype"))
    given = values.type_name(value)
    if kind and given != kind and not order.ticked("retype"):
        raise Refused(f"{variable.name} is of type {kind}, not {given}: change it on purpose.")
    frame.variables[key] = value
    frame.changed.add(key)
    event = rewrite(held, interpreter, held.state, Cause("set-variable", order.actor.name))
    old = values.summary(before) if known else "not set"
    return Done([event], f"{variable.name}: {old} → {values.summary(value)}")


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
        return text
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
