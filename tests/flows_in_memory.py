"""Flows written in YAML that the interpreter runs in memory: no database, no worker."""

from functools import cache
from typing import Any

from executions.engine.interpreter import Interpreter
from executions.engine.state import Budget, Continue, Decision, Finished, StepRecord
from flows.blocks.errors import MEANINGS
from flows.files import parse
from flows.graph import FlowGraph, Message, build
from flows.validation import validate
from flows.values import ExceptionValue
from tests.quick_yaml import load_yaml, write_yaml


def document_of(blocks: str, variables: str) -> dict[str, Any]:
    """A flow document of the two parts that matter."""
    return {"flow": "test", "variables": load_yaml(variables), "blocks": load_yaml(blocks)}


@cache
def graph_of(blocks: str, variables: str) -> FlowGraph:
    """The compiled flow. A worker too compiles a version once and runs it many times."""
    graph, messages = build(document_of(blocks, variables))
    assert messages == []
    return graph


class Run:
    """A flow written in YAML, run in memory with a clock that ticks a millisecond a look."""

    def __init__(self, blocks: str, variables: str = "{}", **inputs: Any) -> None:
        self._begin(graph_of(blocks, variables), inputs)

    @classmethod
    def of(cls, graph: FlowGraph, inputs: dict[str, Any]) -> "Run":
        """A run of a flow that has been compiled."""
        run = cls.__new__(cls)
        run._begin(graph, inputs)
        return run

    def _begin(self, graph: FlowGraph, inputs: dict[str, Any]) -> None:
        self.now = 1_700_000_000.0
        self.interpreter = Interpreter(graph, self.tick)
        self.interpreter.begin(inputs)

    def tick(self) -> float:
        self.now += 0.001
        return self.now

    def go(self, event: Any = None, blocks: int = 10_000) -> Decision:
        return self.interpreter.advance(event or Continue(), Budget(blocks, self.now + 10_000))

    def outputs(self) -> dict[str, Any]:
        decision = self.go()
        assert isinstance(decision, Finished), decision
        return decision.outputs

    @property
    def path(self) -> list[str]:
        return [step.block for step in self.interpreter.progress.steps]

    @property
    def thrown(self) -> list[str]:
        return [t.exception.short_type for t in self.interpreter.progress.thrown]

    @property
    def exceptions(self) -> list[ExceptionValue]:
        return [t.exception for t in self.interpreter.progress.thrown]

    def visits(self, block: str) -> list[StepRecord]:
        return [step for step in self.interpreter.progress.steps if step.block == block]


def messages(blocks: str, variables: str = "{}") -> list[Message]:
    """What keeps a flow from being started, read as a flow file is."""
    graph, found = build(parse(write_yaml(document_of(blocks, variables))).document)
    return found + validate(graph)


def thrown_form(short_type: str, message: str = "", **fields: Any) -> dict[str, Any]:
    """An exception as a flow file writes it, for Rethrow Exception."""
    full = next((name for name in MEANINGS if name.endswith(f".{short_type}")), short_type)
    form = {"type": full, "message": message, "help_link": None, "category": None}
    form |= {"error_code": None, "details": None, "inner": None, "extra": {}}
    return {"$exception": form | fields}
