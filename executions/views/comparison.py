"""Compares two executions of one flow, or offers executions to compare one with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from executions import access
from executions.models import Execution
from executions.store import history
from executions.store.history import ExecutionAt, variable_differences
from executions.store.history.divergence import StepComparison, compare_steps
from executions.store.history.variable_differences import VariableDifference
from executions.views import visits
from executions.views.address import Address
from executions.views.visits import Visits
from flows import pretty_json, queries
from flows.diagram.drawing import (
    BlockDrawing,
    Drawing,
    Visited,
    WireDrawing,
    draw,
    port_name,
)
from flows.graph import BlockNode, FlowGraph

#: Executions that are offered for a comparison.
OFFERED = 30
#: Instead of an id: the execution of the flow that was started before the other one.
PREVIOUS = "previous"
_NONE = Visited(frozenset(), frozenset())


@require_safe
def executions_compare(request: HttpRequest) -> HttpResponse:
    """Compare `a` and `b`, or two `id`s. With only one of them, offer others to compare it with.
    `a` may be "previous": the execution of the same flow before `b`."""
    ids = request.GET.getlist("id")
    asked = [request.GET.get(name) or "" for name in ("a", "b")]
    if asked[0] == PREVIOUS:
        return _with_previous(request, access.get_or_404(request.user, _key(asked[1])))
    keys = [_key(text) for text in (*asked, *ids) if text]
    found = [access.get_or_404(request.user, key) for key in keys[:2]]
    context: dict[str, Any] = {"section": "executions"}
    if len(found) < 2:
        return _choice(request, found, context)
    problem = _problem(keys, found)
    if problem:
        context |= {"problem": problem, "executions": found}
        return _page(request, context, 422)
    context["comparison"] = Comparison(found[0], found[1], request.GET.get("workspace"))
    return _page(request, context)


def _problem(keys: list[UUID], found: list[Execution]) -> str:
    if len(keys) > 2:
        return f"Only two executions can be compared. You selected {len(keys)}: select two."
    if found[0].pk == found[1].pk:
        return "You chose the same execution twice. Choose another one to compare it with."
    if found[0].version.flow_id != found[1].version.flow_id:
        names = " and ".join(f"“{execution.flow_name}”" for execution in found)
        return f"Only executions of the same flow can be compared. These are of {names}."
    return ""


def _with_previous(request: HttpRequest, one: Execution) -> HttpResponse:
    """Redirect to the comparison with the previous execution of the flow that the user may see, or
    to the choice when there is none."""
    earlier = Q(started_at__lt=one.started_at) | Q(started_at=one.started_at, id__lt=one.pk)
    # `started_at__lte` follows from `earlier`, and lets an index serve the query.
    same = access.visible(request.user).filter(flow_name=one.flow_name)
    rows = same.filter(earlier, started_at__lte=one.started_at)
    found = rows.order_by("-started_at", "-id").values_list("pk", flat=True).first()
    if found is None:
        context = {
            "section": "executions",
            "missing": "There is no earlier execution of this flow that you may see.",
        }
        return _choice(request, [one], context)
    query = urlencode({"a": found, "b": one.pk})
    return redirect(f"{reverse('executions-compare')}?{query}")


def _choice(request: HttpRequest, found: list[Execution], context: dict[str, Any]) -> HttpResponse:
    """The executions that one may be compared with: its origin, its retries, others of its flow."""
    if not found:
        context["problem"] = "Choose two executions: open one, then choose Compare with…"
        return _page(request, context, 422)
    one = found[0]
    near = Q(flow_name=one.flow_name) | Q(origin_id=one.pk) | Q(pk=one.origin_id)
    others = access.visible(request.user).filter(near).exclude(pk=one.pk)
    rows = others.order_by("-started_at", "-id").defer("inputs", "outputs", "state", "secrets")[
        :OFFERED
    ]
    base = reverse("executions-compare")
    context |= {
        "one": one,
        "offered": [(row, f"{base}?{urlencode({'a': row.pk, 'b': one.pk})}") for row in rows],
    }
    return _page(request, context)


def _page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    response = render(request, "executions/compare.html", context, status=status)
    return response


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404(access.NOT_FOUND) from None


class ComparedExecution:
    """One of the two executions, as it is now."""

    def __init__(self, letter: str, execution: Execution) -> None:
        self.letter = letter
        self.execution = execution
        self.graph: FlowGraph = queries.compiled(execution.version_id)
        self.past: ExecutionAt = history.at(execution, self.graph, None)
        self.visits = Visits(self.graph, self.past.visits)

    def has(self, workspace: str) -> bool:
        return workspace in self.graph.workspaces

    def drawn(self, workspace: str) -> Visited:
        return self.visits.drawn(workspace) if self.has(workspace) else _NONE

    def times(self, workspace: str) -> Mapping[str, int]:
        """Return the microseconds that the blocks of a workspace took."""
        if not self.has(workspace):
            return {}
        return visits.times(self.past.durations, self.graph, workspace)

    def step(self, number: int | None) -> dict[str, Any] | None:
        """Return a step of the execution, with its address."""
        if number is None:
            return None
        row = self.execution.steps.filter(number=number).first()
        if row is None:
            return None
        node = self.graph.blocks.get(row.block)
        return {
            "number": number,
            "block": row.block,
            "workspace": node.workspace if node else "",
            "title": node.title if node else row.block,
            "port": port_name(node, row.port),
            "exception": row.exception,
            "took": visits.step_duration(row.duration),
            "url": self._url(Address(step=number)),
        }

    def visited(self, block: str, microseconds: int) -> "BlockVisits":
        """Return the visits of a block, with the address of their steps."""
        return BlockVisits(
            self.letter,
            self.visits.hits(block),
            visits.step_duration(microseconds),
            self._url(Address(block=block)),
        )

    def _url(self, address: Address) -> str:
        return f"{self.execution.get_absolute_url()}{address.url()}"


@dataclass(frozen=True, slots=True)
class BlockVisits:
    """The visits of a block in one of the two: how many, their total time, and their steps."""

    letter: str
    number: int
    took: str
    url: str


@dataclass(frozen=True, slots=True)
class ComparedBlock:
    """A block that one of the two visited, or both: `which`, a class, and `label`, in words."""

    node: BlockNode
    which: str
    label: str
    first: BlockVisits
    second: BlockVisits
    #: Whether they diverge here.
    diverges: bool
    #: None for a block that the version on the diagram does not have.
    drawn: BlockDrawing | None

    @property
    def sides(self) -> tuple[BlockVisits, BlockVisits]:
        return self.first, self.second


class Comparison:
    """Two executions next to each other: their steps and their values.

    `workspace` is the one that is drawn; None for that in which they diverge.
    """

    def __init__(self, first: Execution, second: Execution, workspace: str | None) -> None:
        self.sides = (ComparedExecution("A", first), ComparedExecution("B", second))
        self.first, self.second = self.sides
        self._newest = sorted(self.sides, key=lambda side: -side.execution.version_number)
        known = any(side.has(workspace) for side in self.sides if workspace is not None)
        self.workspace: str = workspace if workspace is not None and known else self._diverges_in

    @property
    def graph(self) -> FlowGraph:
        """What is drawn: the newer of the two versions that have the workspace."""
        return next(side.graph for side in self._newest if side.has(self.workspace))

    # Where they diverge -----------------------------------------------------------------------

    @cached_property
    def _steps(self) -> StepComparison:
        return compare_steps(self.first.execution, self.second.execution)

    @cached_property
    def divergence(self) -> dict[str, Any] | None:
        """The step at which they diverge, in each of the two."""
        divergence = self._steps.divergence
        if divergence is None:
            return None
        return {
            "first": self.first.step(divergence.first),
            "second": self.second.step(divergence.second),
        }

    @property
    def _diverging_steps(self) -> list[dict[str, Any]]:
        return [step for step in (self.divergence or {}).values() if step]

    @property
    def _diverges_in(self) -> str:
        return next((str(step["workspace"]) for step in self._diverging_steps), "")

    @property
    def trimmed_text(self) -> str:
        """A sentence about steps that are not kept, where they may have diverged; "" for none."""
        trimmed = self._steps.trimmed
        if not trimmed:
            return ""
        return (
            f"Steps {trimmed[0]:,} to {trimmed[-1]:,} are not kept in both executions. "
            "They may have diverged there."
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
        """The blocks that either visited, and the connections that both took: those of one only are
        drawn above the diagram (`wires`)."""
        one, two = self._visited
        return Visited(one.blocks | two.blocks, one.wires & two.wires)

    @cached_property
    def blocks(self) -> list[ComparedBlock]:
        """The blocks of the workspace that were visited, those of the diagram first."""
        one, two = self._visited
        took = self.first.times(self.workspace), self.second.times(self.workspace)
        diverging = {step["block"] for step in self._diverging_steps}
        drawn = self.drawing.by_key
        return [
            ComparedBlock(
                node,
                _which(key in one.blocks, key in two.blocks),
                _label(key in one.blocks, key in two.blocks),
                self.first.visited(key, took[0].get(key, 0)),
                self.second.visited(key, took[1].get(key, 0)),
                key in diverging,
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
        """Inputs and outputs, those that differ first."""
        return [*self._held("Input", "inputs"), *self._held("Output", "outputs")]

    @property
    def differing_variables(self) -> int:
        return _differing(self.variables)

    @property
    def differing_values(self) -> int:
        return _differing(self.values)

    def _held(self, scope: str, column: str) -> list[VariableDifference]:
        one, two = (
            pretty_json.decode(getattr(side.execution, column) or {}) for side in self.sides
        )
        return variable_differences.of_values(scope, one, two)


def _differing(rows: list[VariableDifference]) -> int:
    return sum(row.kind not in ("same", "secret") for row in rows)


def _which(first: bool, second: bool) -> str:
    return "both" if first and second else "only-a" if first else "only-b"


def _label(first: bool, second: bool) -> str:
    return "both" if first and second else "only A" if first else "only B"
