"""Random small flows, stopped and resumed through their stored form between any two blocks, do
what they do uninterrupted (design §5)."""

import json
from datetime import UTC
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executions.engine.interpreter import Interpreter
from executions.engine.state import (
    Budget,
    Continue,
    Decision,
    Failed,
    Finished,
    Frame,
    Progress,
    Snapshot,
    Yielded,
)
from executions.store import rows
from flows import values
from flows.graph import FlowGraph, build
from tests.thoroughness import examples

VARIABLES = ("A", "B", "C")
#: More than any of these flows takes; a flow that takes more is cut off in both runs.
BLOCKS = 3000

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=4),
    st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(),
)
held = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


def literal(value: Any) -> Any:
    """A value as flow files write it."""
    if type(value) is str and value[:1] in ("=", "(", "\\"):
        return "\\" + value
    if type(value) is list:
        return [literal(item) for item in value]
    form = values.encode(value)
    if type(value) is dict and not (len(form) == 1 and next(iter(form)).startswith("$")):
        return {key: literal(item) for key, item in value.items()}
    return form


names = st.sampled_from(VARIABLES)
sources = st.one_of(
    held.map(literal),
    names.map(lambda name: f"={name}"),
    st.sampled_from(["=A + 1", "=size(B)", "=1 / C", "=[A, B]", '={"k": C}', "=A.Message"]),
)
simple = st.one_of(
    st.tuples(st.just("set"), names, sources),
    st.tuples(st.just("add"), sources),
    st.tuples(st.just("throw"), st.booleans()),
)
statements = st.recursive(
    st.lists(simple, min_size=1, max_size=3),
    lambda body: st.lists(
        st.one_of(
            simple,
            st.tuples(st.just("for"), st.integers(0, 3), body),
            st.tuples(st.just("each"), sources, body),
            st.tuples(st.just("if"), names, body, body),
            st.tuples(st.just("workspace"), sources, body, st.none() | body),
        ),
        min_size=1,
        max_size=3,
    ),
    max_leaves=8,
)


class Writer:
    """Statements → a flow document."""

    def __init__(self) -> None:
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"b{self.count}"

    def chain(self, blocks: dict[str, Any], body: list[Any], end: str) -> str:
        """Write statements that lead to `end`; the key of the first."""
        for statement in reversed(body):
            end = self.statement(blocks, statement, end)
        return end

    def statement(self, blocks: dict[str, Any], statement: Any, end: str) -> str:
        key = self.name()
        kind, *parts = statement
        block: dict[str, Any] = {"bottom": end}
        match kind:
            case "set":
                block |= {"type": "Set Variable"}
                block["properties"] = {"Variable": f"($){parts[0]}", "Value": parts[1]}
            case "add":
                block |= {"type": "Add Item At End"}
                block["properties"] = {"List": "($)Seen", "Item": parts[0]}
                block["exception"] = self.handler(blocks, end)
            case "throw":
                block = {"type": "Throw New Flow Exception", "properties": {"Message": key}}
                if parts[0]:
                    block["exception"] = self.handler(blocks, end)
            case "for":
                block |= {"type": "For Loop", "right": self.chain(blocks, parts[1], key)}
                block["properties"] = {"End Index": parts[0], "Current Index": "($)I" + key}
                self.locals.append("I" + key)
            case "each":
                block |= {"type": "For Each Loop", "right": self.chain(blocks, parts[1], key)}
                block["properties"] = {"Collection": parts[0], "Current Iteration": "($)A"}
            case "if":
                block |= {"type": "If Null Exit Right", "right": self.chain(blocks, parts[1], end)}
                block["properties"] = {"Value": f"={parts[0]}"}
                block["bottom"] = self.chain(blocks, parts[2], end)
            case "workspace":
                inside: dict[str, Any] = {"x": {"type": "End Workspace"}}
                first = self.chain(inside, parts[1], "x")
                inside["s"] = {"type": "Start Workspace", "bottom": first}
                if parts[2] is not None:
                    caught = self.chain(inside, parts[2], "x")
                    inside["h"] = {"type": "Handle Workspace Exception", "bottom": caught}
                block |= {"type": "Workspace", "blocks": inside}
                block["variables"] = {"B": {"default": 1}, "E": {}}
        blocks[key] = block
        return key

    def handler(self, blocks: dict[str, Any], end: str) -> str:
        key = self.name()
        blocks[key] = {"type": "Handle Block Exception", "bottom": end}
        blocks[key]["properties"] = {"Exception": "($)A"}
        return key

    def document(self, body: list[Any]) -> dict[str, Any]:
        self.locals: list[str] = []
        blocks: dict[str, Any] = {"e": {"type": "End Flow"}}
        first = self.chain(blocks, body, "e")
        blocks["a"] = {"type": "Start Flow", "bottom": first}
        variables: dict[str, Any] = {name: {"output": True} for name in VARIABLES}
        variables |= {name: {"default": 0} for name in self.locals}
        variables["Seen"] = {"default": [], "output": True}
        return {"flow": "random", "variables": variables, "blocks": blocks}


def clock() -> float:
    return 1_700_000_000.0


#: What the rows hold of each token that they know: variable → typed JSON.
Held = list[tuple[Frame, dict[str, Any]]]


def stored(interpreter: Interpreter, graph: FlowGraph, held: Held) -> tuple[Interpreter, Held]:
    """Another interpreter, from what the rows of this one hold: of a frame that they know, they
    are given what changed."""
    tokens = [
        rows.token_row(level, frame, has_secrets=False)
        for level, frame in enumerate(interpreter.frames)
    ]
    frames = [
        rows.frame_of(t["workspace"], t["block"], t["state"])
        for t in json.loads(rows.dumps(tokens))
    ]
    kept: Held = []
    for level, frame in enumerate(interpreter.frames):
        forms: dict[str, Any] = {}
        names = set(frame.variables)
        if level < len(held) and held[level][0] is frame:
            forms = {name: form for name, form in held[level][1].items() if name in names}
            names &= frame.changed
        forms |= json.loads(rows.dumps({n: values.encode(frame.variables[n]) for n in names}))
        frames[level].variables |= {name: values.decode(form) for name, form in forms.items()}
        kept.append((frames[level], forms))
    resumed = Interpreter(graph, clock)
    resumed.restore(Snapshot(frames, interpreter.step_count, interpreter.since))
    return resumed, kept


def seen(changes: dict[str, Any] | None) -> str:
    """What a step shows of its changes. Whether it also stores a large value depends on how much
    was stored since the last checkpoint."""
    shown = {
        name: {key: part for key, part in change.items() if key not in ("stored", "size")}
        for name, change in (changes or {}).items()
    }
    return rows.dumps(shown)


def done(progress: Progress) -> list[Any]:
    return [
        (s.number, s.level, s.block, s.port, seen(s.changes), s.exception) for s in progress.steps
    ] + [(t.step, t.block, rows.dumps(values.encode(t.exception))) for t in progress.thrown]


def result(decision: Decision) -> str:
    match decision:
        case Finished(outputs):
            return rows.dumps(values.encode(outputs))
        case Failed(thrown):
            return rows.dumps(values.encode(thrown))
    return type(decision).__name__


def run(graph: FlowGraph, budgets: list[int] | None) -> tuple[str, list[Any]]:
    """The outputs and everything done; with budgets, stored after each of them in turn."""
    interpreter = Interpreter(graph, clock)
    interpreter.begin({})
    everything: list[Any] = []
    held: Held = []
    for turn in range(BLOCKS):
        blocks = budgets[turn % len(budgets)] if budgets else BLOCKS
        decision = interpreter.advance(Continue(), Budget(blocks, clock() + 1))
        everything += done(interpreter.progress)
        if not isinstance(decision, Yielded) or interpreter.step_count >= BLOCKS:
            return result(decision), sorted(everything, key=str)
        interpreter, held = stored(interpreter, graph, held)
    raise AssertionError("it does not end")


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(statements, st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_stopped_and_resumed_anywhere_it_does_the_same(body: list[Any], budgets: list[int]) -> None:
    graph, messages = build(Writer().document(body))
    assert messages == []
    whole = run(graph, None)
    assert run(graph, [1]) == whole
    assert run(graph, budgets) == whole
