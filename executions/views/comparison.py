"""Two executions of one flow beside each other: the ways that they took, and what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from executions.models import Execution
from executions.store import history
from executions.store.history import Past, divergence, variable_differences
from executions.store.history.variable_differences import VariableDifference
from executions.views import visits
from executions.views.address import Address
from executions.views.visits import Visits
from flows import pretty_json, queries
from flows.blocks.base import Port
from flows.diagram.drawing import (
    BlockDrawing,
    Drawing,
    Visited,
    WireDrawing,
    draw,
    port_names,
)
from flows.graph import BlockNode, FlowGraph

_NONE = Visited(frozenset(), frozenset())


class Side:
    """One of the two, as it is now."""

    def __init__(self, letter: str, execution: Execution) -> None:
        self.letter = letter
        self.execution = execution
        self.graph: FlowGraph = queries.compiled(execution.version_id)
        self.past: Past = history.at(execution, self.graph, None)
        self.visits = Visits(self.graph, self.past.visits)

    def has(self, workspace: str) -> bool:
        return workspace in self.graph.workspaces

    def drawn(self, workspace: str) -> Visited:
        return self.visits.drawn(workspace) if self.has(workspace) else _NONE

    def times(self, workspace: str) -> Mapping[str, int]:
        """The microseconds that the blocks of a workspace took."""
        if not self.has(workspace):
            return {}
        return visits.times(self.past.durations, self.graph, workspace)

    def step(self, number: int | None) -> dict[str, Any] | None:
        """A step of it, with the way there."""
        if number is None:
            return None
        row = self.execution.steps.filter(number=number).first()
        if row is None:
            return None
        node = self.graph.blocks.get(row.block)
        names = port_names(node) if node else {}
        return {
            "number": number,
            "block": row.block,
            "workspace": node.workspace if node else "",
            "title": node.title if node else row.block,
            "port": names.get(Port(row.port), row.port) if row.port else "",
            "exception": row.exception,
            "took": visits.took(row.duration),
            "url": self._url(Address(step=number)),
        }

    def visited(self, block: str, microseconds: int) -> "Visit":
        """What came of a block, with the way to the steps of it."""
        return Visit(
            self.letter,
            self.visits.hits(block),
            visits.took(microseconds),
            self._url(Address(block=block)),
        )

    def _url(self, address: Address) -> str:
        return f"{self.execution.get_absolute_url()}{address.url()}"


@dataclass(frozen=True, slots=True)
class Visit:
    """How often one of the two came by a block, how long it took there in all, and its steps."""

    letter: str
    number: int
    took: str
    url: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A block that one of the two visited, or both: `which` of them as a class and in words."""

    node: BlockNode
    which: str
    told: str
    first: Visit
    second: Visit
    #: Whether their ways part here.
    parts: bool
    #: None for a block that the version on the diagram does not have.
    drawn: BlockDrawing | None

    @property
    def sides(self) -> tuple[Visit, Visit]:
        return self.first, self.second


class Comparison:
    """`workspace` is None for the one in which their ways part."""

    def __init__(self, first: Execution, second: Execution, workspace: str | None) -> None:
        self.sides = (Side("A", first), Side("B", second))
        self.first, self.second = self.sides
        self._newest = sorted(self.sides, key=lambda side: -side.execution.version_number)
        known = any(side.has(workspace) for side in self.sides if workspace is not None)
        self.workspace: str = workspace if workspace is not None and known else self._parts_in

    @property
    def graph(self) -> FlowGraph:
        """What is drawn: the newer of the two versions that have the workspace."""
        return next(side.graph for side in self._newest if side.has(self.workspace))

    # Where they part ------------------------------------------------------------------------------

    @cached_property
    def ways(self) -> divergence.Ways:
        return divergence.ways(self.first.execution, self.second.execution)

    @cached_property
    def parting(self) -> dict[str, Any] | None:
        """Where the ways part, in each of the two."""
        parting = self.ways.parting
        if parting is None:
            return None
        return {
            "first": self.first.step(parting.first),
            "second": self.second.step(parting.second),
        }

    @property
    def _parting_steps(self) -> list[dict[str, Any]]:
        return [step for step in (self.parting or {}).values() if step]

    @property
    def _parts_in(self) -> str:
        return next((str(step["workspace"]) for step in self._parting_steps), "")

    @property
    def lacking(self) -> str:
        """The steps at which they may have parted already, as these are not kept; "" for none."""
        lacking = self.ways.lacking
        if not lacking:
            return ""
        return (
            f"Steps {lacking[0]:,} to {lacking[-1]:,} are not kept of both; they may have parted "
            "there."
        )

    # The diagram ----------------------------------------------------------------------------------

    @property
    def drawing(self) -> Drawing:
        return draw(self.graph, self.workspace)

    @cached_property
    def _visited(self) -> tuple[Visited, Visited]:
        return self.first.drawn(self.workspace), self.second.drawn(self.workspace)

    @property
    def visited(self) -> Visited:
        one, two = self._visited
        return Visited(one.blocks | two.blocks, one.wires | two.wires)

    @cached_property
    def blocks(self) -> list[Compared]:
        """The blocks of the workspace that were visited, those of the diagram first."""
        one, two = self._visited
        took = self.first.times(self.workspace), self.second.times(self.workspace)
        parts = {step["block"] for step in self._parting_steps}
        drawn = self.drawing.by_key
        return [
            Compared(
                node,
                _which(key in one.blocks, key in two.blocks),
                _told(key in one.blocks, key in two.blocks),
                self.first.visited(key, took[0].get(key, 0)),
                self.second.visited(key, took[1].get(key, 0)),
                key in parts,
                drawn.get(key),
            )
            for key, node in self._nodes.items()
            if key in one.blocks | two.blocks
        ]

    @property
    def _nodes(self) -> dict[str, BlockNode]:
        found: dict[str, BlockNode] = {}
        for side in self._newest:
            if side.has(self.workspace):
                for key in side.graph.workspaces[self.workspace].blocks:
                    found.setdefault(key, side.graph.blocks[key])
        return found

    @property
    def wires(self) -> list[tuple[WireDrawing, str]]:
        """The connections that only one of them took."""
        one, two = self._visited
        return [
            (wire, _which(key in one.wires, key in two.wires))
            for wire in self.drawing.wires
            if ((key := (wire.source, wire.port.value)) in one.wires) != (key in two.wires)
        ]

    @property
    def workspaces(self) -> list[tuple[str, str, bool]]:
        """Those of both versions: name, address, whether it is shown."""
        names: dict[str, str] = {}
        for side in self._newest:
            for key, node in side.graph.workspaces.items():
                names.setdefault(key, node.name)
        return [(name, self.url(key), key == self.workspace) for key, name in names.items()]

    @property
    def links(self) -> Mapping[str, str]:
        return {key: self.url(key) for key in self.graph.workspaces if key}

    @property
    def leads(self) -> Mapping[str, str]:
        """From a block on the diagram to its row."""
        return {row.node.key: f"#row-{row.node.key}" for row in self.blocks}

    def url(self, workspace: str) -> str:
        pair = {"a": self.first.execution.pk, "b": self.second.execution.pk}
        return "?" + urlencode(pair | {"workspace": workspace})

    @property
    def swapped_url(self) -> str:
        pair = {"a": self.second.execution.pk, "b": self.first.execution.pk}
        return "?" + urlencode(pair)

    # Values ---------------------------------------------------------------------------------------

    @cached_property
    def variables(self) -> list[VariableDifference]:
        """The variables at the last step of each, those that differ first."""
        return variable_differences.of_variables(self.first.past, self.second.past, same=True)

    @cached_property
    def values(self) -> list[VariableDifference]:
        """What went in and what came out, what differs first."""
        return [*self._held("Input", "inputs"), *self._held("Output", "outputs")]

    @property
    def differing_variables(self) -> int:
        return _differing(self.variables)

    @property
    def differing_values(self) -> int:
        return _differing(self.values)

    def _held(self, scope: str, column: str) -> list[VariableDifference]:
        one, two = (
            pretty_json.decoded(getattr(side.execution, column) or {}) for side in self.sides
        )
        return variable_differences.of_values(scope, one, two)


def _differing(rows: list[VariableDifference]) -> int:
    return sum(row.kind not in ("same", "secret") for row in rows)


def _which(first: bool, second: bool) -> str:
    return "both" if first and second else "only-a" if first else "only-b"


def _told(first: bool, second: bool) -> str:
    return "both" if first and second else "only A" if first else "only B"
