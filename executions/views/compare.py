"""Two executions of one flow compared, or a choice of what to compare one with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from executions import access
from executions.models import Execution
from executions.store import history, reads
from executions.store.history import compare, differences
from executions.views.visits import Visits, took
from flows import differences as parts
from flows import pretty, queries
from flows.diagram.drawing import BlockDrawing, Drawing, Visited, WireDrawing, draw
from flows.graph import FlowGraph

#: Executions that are offered for a comparison.
OFFERED = 30


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two."""

    letter: str
    execution: Execution
    graph: FlowGraph
    visits: Visits

    @classmethod
    def of(cls, letter: str, execution: Execution) -> "Side":
        graph = queries.compiled(execution.version_id)
        return cls(letter, execution, graph, Visits(graph, reads.visits(execution)))

    def drawn(self, workspace: str) -> Visited:
        known = workspace in self.graph.workspaces
        return self.visits.drawn(workspace) if known else Visited(frozenset(), frozenset())

    def step(self, number: int | None) -> dict[str, Any] | None:
        """A step of it, with the way there."""
        if number is None:
            return None
        row = self.execution.steps.filter(number=number).first()
        if row is None:
            return None
        node = self.graph.blocks.get(row.block)
        return {
            "number": number,
            "title": node.title if node else row.block,
            "port": row.port or "",
            "exception": row.exception,
            "took": took(row.duration),
            "url": f"{self.execution.get_absolute_url()}?step={number}",
        }


class Comparison:
    def __init__(self, first: Execution, second: Execution, workspace: str) -> None:
        self.sides = (Side.of("A", first), Side.of("B", second))
        self.first, self.second = self.sides
        #: The diagram is that of the newer of the two versions.
        self.graph = max(self.sides, key=lambda side: side.execution.version_number).graph
        self.workspace = workspace if workspace in self.graph.workspaces else ""

    @cached_property
    def ways(self) -> compare.Ways:
        return compare.ways(self.first.execution, self.second.execution)

    @property
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

    @property
    def blocks(self) -> list[tuple[BlockDrawing, str, str, int, int]]:
        """The visited blocks: which of the two came by, in words, and how often each did."""
        one, two = self._visited
        return [
            (
                block,
                _which(block.key in one.blocks, block.key in two.blocks),
                _told(block.key in one.blocks, block.key in two.blocks),
                self.first.visits.hits(block.key),
                self.second.visits.hits(block.key),
            )
            for block in self.drawing.blocks
            if block.key in one.blocks | two.blocks
        ]

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
        """Name, address, whether it is shown."""
        return [
            (node.name, self.url(key), key == self.workspace)
            for key, node in self.graph.workspaces.items()
        ]

    @property
    def links(self) -> Mapping[str, str]:
        return {key: self.url(key) for key in self.graph.workspaces if key}

    def url(self, workspace: str) -> str:
        pair = {"a": self.first.execution.pk, "b": self.second.execution.pk}
        return "?" + urlencode(pair | ({"workspace": workspace} if workspace else {}))

    @property
    def swapped_url(self) -> str:
        pair = {"a": self.second.execution.pk, "b": self.first.execution.pk}
        return "?" + urlencode(pair)

    # Values ---------------------------------------------------------------------------------------

    @cached_property
    def variables(self) -> list[differences.VariableDifference]:
        """The variables that differ at the last step of each."""
        return differences.of_variables(
            *(history.at(side.execution, side.graph, None) for side in self.sides)
        )

    @property
    def inputs(self) -> list[parts.Difference]:
        return self._differing("inputs")

    @property
    def outputs(self) -> list[parts.Difference]:
        return self._differing("outputs")

    def _differing(self, column: str) -> list[parts.Difference]:
        one, two = (pretty.decoded(getattr(side.execution, column) or {}) for side in self.sides)
        return parts.between(one, two)[0]


def _which(first: bool, second: bool) -> str:
    return "both" if first and second else "only-a" if first else "only-b"


def _told(first: bool, second: bool) -> str:
    return "both" if first and second else "only A" if first else "only B"


@require_safe
def executions_compare(request: HttpRequest) -> HttpResponse:
    """`a` and `b` are the two; with one of them, a choice of what to compare it with. Two `id`s
    serve as well."""
    ids = request.GET.getlist("id")
    asked = [request.GET.get(name) or "" for name in ("a", "b")]
    keys = [_key(text) for text in (*asked, *ids) if text]
    found = [access.get(request.user, key) for key in keys[:2]]
    context: dict[str, Any] = {"section": "executions"}
    if len(found) < 2:
        return _choice(request, found, context)
    problem = _problem(keys, found)
    if problem:
        context |= {"problem": problem, "executions": found}
        return _page(request, context, 422)
    context["comparison"] = Comparison(found[0], found[1], request.GET.get("workspace", ""))
    return _page(request, context)


def _problem(keys: list[UUID], found: list[Execution]) -> str:
    if len(keys) > 2:
        return f"Two executions can be compared, not {len(keys)}. Select two."
    if found[0].pk == found[1].pk:
        return "That is one execution. Choose another to compare it with."
    if found[0].version.flow_id != found[1].version.flow_id:
        names = " and ".join(f"“{execution.flow_name}”" for execution in found)
        return f"Executions of one flow can be compared; these are of {names}."
    return ""


def _choice(request: HttpRequest, found: list[Execution], context: dict[str, Any]) -> HttpResponse:
    """The executions that one may be compared with: its origin, its retries, others of its flow."""
    if not found:
        context["problem"] = "Say which two executions: open one, and choose Compare with…"
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
    response["Cache-Control"] = "no-store"
    return response


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404("There is no such execution, or you may not see it.") from None
