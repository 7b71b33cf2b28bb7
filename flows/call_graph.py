"""Which flow runs which: by the blocks of their newest versions, drawn from left to right."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flows.blocks import ALL
from flows.expressions import ExpressionError
from flows.models import Block, Flow
from flows.value_sources import Literal, parse

#: The size of a box and how far apart boxes are.
_WIDTH, _HEIGHT, _APART_X, _APART_Y, _MARGIN = 200, 32, 72, 12, 16
#: Characters of a name in a box.
_NAME = 28


@dataclass(frozen=True, slots=True)
class FlowBox:
    """A flow in the drawing."""

    flow: Flow
    x: int
    y: int
    runs: list[str]
    run_by: list[str]

    @property
    def text(self) -> str:
        name = self.flow.name
        return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"

    @property
    def label(self) -> str:
        """The box in words."""
        runs = f" runs {', '.join(self.runs)}" if self.runs else " runs no other flow"
        return self.flow.name + runs + (f"; run by {', '.join(self.run_by)}" if self.run_by else "")


@dataclass(frozen=True, slots=True)
class CallGraph:
    """The flows that run others or are run by others, and the lines between them."""

    boxes: list[FlowBox]
    lines: list[str]
    width: int
    height: int
    #: Flows that neither run others nor are run.
    alone: list[Flow]


def calls(flows: Mapping[int, str]) -> dict[str, set[str]]:
    """Return the names of the flows that each of these versions (id → flow) names in its blocks.
    What an expression names is known only when the block runs."""
    types = [block.type for block in ALL if any(one.name == "Flow" for one in block.properties)]
    found: dict[str, set[str]] = defaultdict(set)
    blocks = Block.objects.filter(version__in=flows, type__in=types).order_by()
    for version, properties in blocks.values_list("version_id", "properties"):
        if named := _literal(properties.get("Flow")):
            found[flows[version]].add(named)
    return dict(found)


def _literal(raw: Any) -> str:
    try:
        source = parse(raw)
    except (ValueError, ExpressionError):
        return ""  # a draft may hold what does not compile
    named = source.value if isinstance(source, Literal) else ""
    return named if isinstance(named, str) else ""


def call_graph(shown: Iterable[Any]) -> CallGraph:
    """Return the drawing of these flows, each with the id of its newest version (`newest`)."""
    flows = {flow.name: flow for flow in shown}
    found = calls({flow.newest: flow.name for flow in flows.values() if flow.newest})
    runs = {name: sorted(found.get(name, set()) & flows.keys()) for name in flows}
    run_by: dict[str, list[str]] = defaultdict(list)
    for name, others in runs.items():
        for other in others:
            run_by[other].append(name)
    linked = sorted(name for name in flows if runs[name] or run_by[name])
    columns: dict[int, list[str]] = defaultdict(list)
    for name, column in _columns(linked, runs).items():
        columns[column].append(name)
    boxes = {
        name: FlowBox(
            flows[name],
            _MARGIN + column * (_WIDTH + _APART_X),
            _MARGIN + place * (_HEIGHT + _APART_Y),
            runs[name],
            run_by[name],
        )
        for column, names in columns.items()
        for place, name in enumerate(names)
    }
    most = max((len(names) for names in columns.values()), default=0)
    return CallGraph(
        boxes=list(boxes.values()),
        lines=[_line(boxes[name], boxes[other]) for name in linked for other in runs[name]],
        width=2 * _MARGIN + len(columns) * (_WIDTH + _APART_X),
        height=2 * _MARGIN + most * (_HEIGHT + _APART_Y),
        alone=[flow for name, flow in flows.items() if name not in boxes],
    )


def _columns(linked: list[str], runs: Mapping[str, list[str]]) -> dict[str, int]:
    """Each flow stands right of those that run it. Where they run each other in a circle, one of
    them stands left of the flow that runs it."""
    column = dict.fromkeys(linked, 0)

    def place(name: str, above: frozenset[str]) -> None:
        for other in runs[name]:
            if other not in above and column[other] <= column[name]:
                column[other] = column[name] + 1
                place(other, above | {other})

    for name in linked:
        place(name, frozenset({name}))
    used = sorted(set(column.values()))
    return {name: used.index(at) for name, at in column.items()}


def _line(source: FlowBox, target: FlowBox) -> str:
    """The path of a line from a flow to one that it runs."""
    x1, y1 = source.x + _WIDTH, source.y + _HEIGHT // 2
    x2, y2 = target.x, target.y + _HEIGHT // 2
    bend = _APART_X // 2
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
