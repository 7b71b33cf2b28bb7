"""The visits of an execution, for diagrams and tables."""

from collections import Counter
from collections.abc import Mapping

from executions import appearance
from executions.models import Execution
from executions.states import Status
from flows import formatting
from flows.blocks.base import Port
from flows.diagram.drawing import Visited
from flows.graph import BlockNode, FlowGraph

_TIMES = "\u00d7"


class Visits:
    """The visits of each block, and how often each of its ports was taken."""

    def __init__(self, graph: FlowGraph, counted: Mapping[tuple[str, str], int]) -> None:
        self._graph = graph
        self._counted = counted
        self._hits: Counter[str] = Counter()
        for (block, _), number in counted.items():
            self._hits[block] += number

    def hits(self, block: str) -> int:
        """The visits of a block."""
        return self._hits[block]

    def drawn(self, workspace: str) -> Visited:
        """The visited blocks and connections of a workspace."""
        keys = self._graph.workspaces[workspace].blocks
        wires = {(block, port) for block, port in self._counted if port and block in keys}
        for key in keys:
            node = self._graph.blocks[key]
            if node.block.opens_workspace and self._hits[key]:
                wires |= self._left_by(node)
        return Visited(frozenset(key for key in keys if self._hits[key]), frozenset(wires))

    def _left_by(self, node: BlockNode) -> set[tuple[str, str]]:
        """The ports by which a visit of a nested workspace was left. Its block's own steps have
        none: they end when the token goes inside."""
        inside = self._graph.workspaces[node.key].blocks
        ways = set()
        if any(
            self._graph.blocks[key].block.type == "End Workspace" and self._hits[key]
            for key in inside
        ):
            ways.add((node.key, Port.BOTTOM.value))
        thrown = node.ports.get(Port.EXCEPTION)
        if thrown and self._hits[thrown] and any(self._threw(key) for key in inside):
            ways.add((node.key, Port.EXCEPTION.value))
        return ways

    def _threw(self, key: str) -> bool:
        return bool(self._counted.get((key, Port.EXCEPTION.value)))


def times(durations: Mapping[str, int], graph: FlowGraph, workspace: str) -> dict[str, int]:
    """The microseconds that the blocks of a workspace took, by key, of what every block took; what
    a nested workspace took is what the blocks inside of it did."""
    found = dict.fromkeys(graph.workspaces[workspace].blocks, 0)
    start = f"{workspace}/" if workspace else ""
    for key, microseconds in durations.items():
        if key.startswith(start):
            here = start + key.removeprefix(start).partition("/")[0]
            if here in found:
                found[here] += microseconds
    return found


def short_count(number: int) -> str:
    """Return a number of visits as short text for a pill, such as 32 or 12k times."""
    if number > 999_999:
        return f"{_TIMES}{number // 1_000_000}M"
    return f"{_TIMES}{number // 1000}k" if number > 9_999 else f"{_TIMES}{number}"


def step_duration(microseconds: int) -> str:
    """Return how long a step took; most take less than a millisecond."""
    if microseconds < 1000:
        return f"{microseconds} \u00b5s"
    return formatting.duration(microseconds / 1_000_000)


def token_icon(execution: Execution, inner: bool) -> str:
    """Return the icon of a token: an outer token is inside its block's workspace."""
    if not inner:
        return "down"
    return appearance.icon_name(
        Status(execution.status), execution.place, unhandled=execution.unhandled
    )


def shape_icon(node: BlockNode | None) -> str:
    """Return the icon of a block's shape, for tables."""
    return f"shape-{node.block.shape.value}" if node else "shape-action"
