"""Places the blocks of a workspace. Pure and deterministic.

A block with a stored position keeps it. The others get a computed layout: a chain of bottom ports
is a column, a chain from a right or exception port is a column to the right of it, and handlers of
a whole scope are at the far right. A process is laid out as an activity and mirrored.

Columns are found with contours: for every row, how far to the right a chain and its branches
reach. Branches are attached from the lowest to the highest, so that a higher one passes outside of
a lower one instead of across it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flows.blocks.base import Port
from flows.diagram.geometry import (
    LABEL_GAP,
    LABEL_WIDTH,
    LABELLED_INSIDE,
    Box,
    fit_text,
    size_of,
    text_width,
)
from flows.graph import BlockNode, FlowGraph

#: Rows are counted in units of this many pixels, along the direction of flow.
UNIT = {"activity": 28, "process": 84}
#: Rows from a block to the next one below, and to one that its right side leads to.
DOWN, ASIDE = 3, 2
#: The gap between columns, and the room for each returning wire in it.
GUTTER, TRACK = 40, 16
#: Two lines of label above a block of a process.
_LABEL_HEIGHT = 34


@dataclass(slots=True)
class _Chain:
    """Blocks in one column, their branches, and the contour of all of them."""

    blocks: list[str]
    stem: str = ""
    branches: list["_Chain"] = field(default_factory=list)
    column: int = 0
    #: Row → leftmost and rightmost column, relative to this chain's.
    contour: dict[int, tuple[int, int]] = field(default_factory=dict)

    def widen(self, row: int, low: int, high: int) -> None:
        known = self.contour.get(row)
        self.contour[row] = (min(known[0], low), max(known[1], high)) if known else (low, high)


def place(graph: FlowGraph, workspace: str) -> dict[str, Box]:
    """Return the box of every block of the workspace."""
    nodes = {key: graph.blocks[key] for key in graph.workspaces[workspace].blocks}
    fixed = {key: _box(node, *node.position) for key, node in nodes.items() if node.position}
    if len(fixed) == len(nodes):
        return fixed
    computed = _compute(graph, workspace, nodes)
    return _settle(nodes, fixed, computed)


def footprint(node: BlockNode, kind: str) -> tuple[float, float]:
    """Return how far a block with its label extends across the flow, before and after it."""
    width, height = size_of(node)
    across = width if kind == "activity" else height
    if node.block.shape in LABELLED_INSIDE:
        return across / 2, across / 2
    label = _LABEL_HEIGHT if kind == "process" else max(label_width(node), 24)
    return across / 2 + LABEL_GAP + label, across / 2


def label_width(node: BlockNode) -> float:
    """Return the width of the label beside a block."""
    title = text_width(fit_text(node.title, LABEL_WIDTH))
    return max(title, text_width(fit_text(node.block.name, LABEL_WIDTH, 11), 11))


def label_box(node: BlockNode, box: Box, kind: str) -> Box | None:
    """Return the box of the label beside a block, in the frame of an activity."""
    if node.block.shape in LABELLED_INSIDE:
        return None
    before, _ = footprint(node, kind)
    left, right = box.x - before, box.left - LABEL_GAP / 2
    height = 32.0 if kind == "activity" else label_width(node)
    return Box((left + right) / 2, box.y, right - left, height)


def _box(node: BlockNode, x: float, y: float) -> Box:
    return Box(x, y, *size_of(node))


def _settle(
    nodes: Mapping[str, BlockNode], fixed: Mapping[str, Box], computed: Mapping[str, Box]
) -> dict[str, Box]:
    """Move computed places down where a block has a stored position."""
    boxes = dict(fixed)
    for key in nodes:
        if key in boxes:
            continue
        box = computed[key]
        while hit := next((b for b in boxes.values() if box.overlaps(b, 8)), None):
            box = Box(box.x, hit.bottom + 44 + box.height / 2, box.width, box.height)
        boxes[key] = box
    return {key: boxes[key] for key in nodes}


def edges(nodes: Mapping[str, BlockNode], key: str) -> Iterator[tuple[Port, str]]:
    """Return the connections from a block to blocks of this workspace, bottom first."""
    for port in (Port.BOTTOM, Port.RIGHT, Port.EXCEPTION):
        target = nodes[key].ports.get(port)
        if target is not None and target in nodes:
            yield port, target


def circles(nodes: Mapping[str, BlockNode], start: str) -> dict[str, frozenset[str]]:
    """Return, for each block that connections return to, the blocks of the circles through it."""
    _, returns = _rows(nodes, _order(nodes, start))
    arrivals: dict[str, list[str]] = {key: [] for key in nodes}
    for key in nodes:
        for _, target in edges(nodes, key):
            arrivals[target].append(key)
    bodies: dict[str, frozenset[str]] = {}
    for source, target in returns:
        body, found = {source, target}, [source] if source != target else []
        while found:
            for key in arrivals[found.pop()]:
                if key not in body:
                    body.add(key)
                    found.append(key)
        bodies[target] = bodies.get(target, frozenset()) | (body & _reach(nodes, target))
    return bodies


def returns(nodes: Mapping[str, BlockNode], start: str) -> frozenset[tuple[str, str]]:
    """Return the connections that lead back to an earlier block."""
    return frozenset(_rows(nodes, _order(nodes, start))[1])


def _reach(nodes: Mapping[str, BlockNode], key: str) -> set[str]:
    seen, found = {key}, [key]
    while found:
        for _, target in edges(nodes, found.pop()):
            if target not in seen:
                seen.add(target)
                found.append(target)
    return seen


def _order(nodes: Mapping[str, BlockNode], start: str) -> list[str]:
    """Return the blocks in the order in which a search begins: the start block, blocks without
    connections into them, then the rest, for circles that nothing leads into."""
    entered = {target for key in nodes for _, target in edges(nodes, key)}
    firsts = [key for key in nodes if key not in entered]
    return sorted(firsts, key=lambda key: key != start) + list(nodes)


def _compute(graph: FlowGraph, workspace: str, nodes: Mapping[str, BlockNode]) -> dict[str, Box]:
    order = _order(nodes, graph.workspaces[workspace].start)
    rows, returns = _rows(nodes, order)
    trees = _chains(nodes, order)
    columns, rows = _arrange(trees, rows, returns)
    return _coordinates(graph.kind, nodes, columns, rows, returns)


def _rows(
    nodes: Mapping[str, BlockNode], order: list[str]
) -> tuple[dict[str, int], dict[tuple[str, str], None]]:
    """Return the row of each block, and the connections that return to an earlier one."""
    returns: dict[tuple[str, str], None] = {}
    done: list[str] = []
    state: dict[str, bool] = {}  # key → whether it is still on the path
    for root in order:
        if root in state:
            continue
        state[root] = True
        path = [(root, edges(nodes, root))]
        while path:
            key, rest = path[-1]
            for _, target in rest:
                if target not in state:
                    state[target] = True
                    path.append((target, edges(nodes, target)))
                    break
                if state[target]:
                    returns[(key, target)] = None
            else:
                state[key] = False
                done.append(key)
                path.pop()
    rows = dict.fromkeys(nodes, 0)
    for key in reversed(done):  # sources before targets, the returns apart
        for port, target in edges(nodes, key):
            if (key, target) not in returns:
                below = DOWN if port is Port.BOTTOM else ASIDE
                rows[target] = max(rows[target], rows[key] + below)
    return rows, returns


def _chains(nodes: Mapping[str, BlockNode], order: list[str]) -> list[_Chain]:
    """Return the trees of chains. Each block belongs to the first chain that reaches it."""
    claimed: set[str] = set()

    def grow(key: str) -> list[str]:
        blocks = []
        here: str | None = key
        while here is not None and here in nodes and here not in claimed:
            claimed.add(here)
            blocks.append(here)
            here = nodes[here].ports.get(Port.BOTTOM)
        return blocks

    trees = []
    for root in order:
        if root in claimed:
            continue
        tree = _Chain(grow(root))
        trees.append(tree)
        pending = _ways_aside(tree)
        while pending:
            chain, key, port = pending.pop()
            target = nodes[key].ports.get(port)
            if target is not None and target in nodes and target not in claimed:
                branch = _Chain(grow(target), stem=key)
                chain.branches.append(branch)
                pending += _ways_aside(branch)
    return trees


def _ways_aside(chain: _Chain) -> list[tuple[_Chain, str, Port]]:
    """Return the ports on the right of a chain, the lowest last, so that it is taken first."""
    return [(chain, key, port) for key in chain.blocks for port in (Port.EXCEPTION, Port.RIGHT)]


def _arrange(
    trees: list[_Chain], rows: dict[str, int], returns: Mapping[tuple[str, str], None]
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the column and row of each block, over all trees."""
    columns: dict[str, int] = {}
    rows = dict(rows)
    bottom, right, shelf, below, widest = 0, 0, 0, 0, 0
    for number, tree in enumerate(trees):
        members = _shape(tree, rows, returns)
        height = max(tree.contour) - min(tree.contour) + 1
        width = max(high for _, high in tree.contour.values()) + 1
        if number == 0:
            bottom, right = height, width
            shelf, shift, widest = right, 0, 0
        else:
            # Handlers and blocks without connections into them are in one column at the far right.
            if below and below + height > max(bottom, 12):
                shelf, below, widest = shelf + widest, 0, 0
            shift = below - min(tree.contour) - 1
            below += height + 1
            widest = max(widest, width)
        for key, column in members.items():
            columns[key] = column + (shelf if number else 0)
            rows[key] += shift
    return columns, rows


def _shape(
    tree: _Chain, rows: Mapping[str, int], returns: Mapping[tuple[str, str], None]
) -> dict[str, int]:
    """Attach every branch of a tree. Return the column of each block relative to the tree's."""
    order = [tree]
    for chain in order:
        order += chain.branches
    for chain in reversed(order):
        _outline(chain, rows)
        for branch in chain.branches:
            _attach(chain, branch, rows, returns)
    columns: dict[str, int] = {}
    for chain in order:
        columns.update(dict.fromkeys(chain.blocks, chain.column))
        for branch in chain.branches:
            branch.column += chain.column
    return columns


def _outline(chain: _Chain, rows: Mapping[str, int]) -> None:
    first, last = rows[chain.blocks[0]], rows[chain.blocks[-1]]
    for row in range(first - 1, last + 2):  # the wires between its blocks included
        chain.widen(row, 0, 0)


def _attach(
    chain: _Chain,
    branch: _Chain,
    rows: Mapping[str, int],
    returns: Mapping[tuple[str, str], None],
) -> None:
    stem, entry = rows[branch.stem], rows[branch.blocks[0]]
    for row in range(stem, entry):
        branch.widen(row, 0, 0)  # the wire that comes down to it
    last = max(branch.contour)
    reach = max(high for _, high in branch.contour.values())
    loops = any(target == branch.stem for _, target in returns)
    if loops:
        # The wire back runs around the body: no other block may be inside.
        for row in range(stem, last + 3):
            branch.widen(row, 0, reach)
    column = 1
    for row, (low, _) in branch.contour.items():
        if row in chain.contour and row != stem:
            column = max(column, chain.contour[row][1] - low + 1)
    branch.column = column
    for row, (_, high) in branch.contour.items():
        chain.widen(row, 0, column + high)
    if loops:
        for row in range(stem - 2, stem):
            chain.widen(row, 0, column + reach)


def _coordinates(
    kind: str,
    nodes: Mapping[str, BlockNode],
    columns: Mapping[str, int],
    rows: Mapping[str, int],
    returns: Mapping[tuple[str, str], None],
) -> dict[str, Box]:
    count = max(columns.values()) + 1
    before, after, tracks = [24.0] * count, [22.0] * count, [0] * count
    for key, node in nodes.items():
        low, high = footprint(node, kind)
        column = columns[key]
        before[column] = max(before[column], low)
        after[column] = max(after[column], high)
    for source, target in returns:
        tracks[max(columns[source], columns[target])] += 1
    centres = [before[0]]
    for column in range(1, count):
        gap = GUTTER + TRACK * min(tracks[column - 1], 4)
        centres.append(centres[-1] + after[column - 1] + gap + before[column])
    unit = UNIT[kind]
    boxes = {}
    for key, node in nodes.items():
        across, along = round(centres[columns[key]]), rows[key] * unit
        position = (across, along) if kind == "activity" else (along, across)
        boxes[key] = _box(node, *position)
    return boxes
