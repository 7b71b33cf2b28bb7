"""The drawing of a workspace: shapes, labels, ports and wires with their places. Pure.

Templates render the result of `draw`. A drawing never changes, so it may be cached with its graph.
"""

from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import pairwise

from flows.blocks.base import Port, Shape
from flows.diagram import layout, notes, routing, wire_router
from flows.diagram.geometry import (
    BESIDE_LABEL,
    LABEL_GAP,
    LABEL_WIDTH,
    LABELLED_INSIDE,
    Box,
    Point,
    fit_text,
    fold,
    outline,
    text_width,
)
from flows.diagram.notes import NoteDrawing
from flows.graph import BlockNode, FlowGraph

_MARGIN = 24
#: The distance of a token's centre from the port at which it stands.
_TOKEN_GAP = 16
#: The radius of a token, with the ring around a selected one.
_TOKEN_REACH = 18
#: A breakpoint's bar, above its block: width, height, and how far above. A token that stands at it
#: makes that much room.
BAR_WIDTH, BAR_HEIGHT, BAR_ABOVE = 36, 4, 8
_BAR_GAP = 8


@dataclass(frozen=True, slots=True)
class Label:
    """A line of text; `full` is the whole text when it had to be cut."""

    text: str
    x: float
    y: float
    anchor: str
    full: str = ""


@dataclass(frozen=True, slots=True)
class PortDrawing:
    port: Port
    x: float
    y: float
    #: Whether a connection leaves from it.
    connected: bool
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class BlockDrawing:
    """A block: its box, shape, labels and ports."""

    key: str
    type: str
    title: str
    shape: Shape
    icon: str
    icon_size: int
    icon_x: float
    icon_y: float
    box: Box
    labels: tuple[Label, ...]
    ports: tuple[PortDrawing, ...]
    #: The place of a token that is about to run the block, and of its hit count.
    before: Point
    hits: Point
    #: The turned-down corner of workspaces and handlers; "" for others.
    path: str
    fold: str
    #: The key of the workspace that it opens, or "".
    opens: str

    @property
    def name(self) -> str:
        """Return the accessible name: the visible label first, so that voice control finds the
        block by it; then the text that did not fit."""
        written = [label.text for label in self.labels]
        ports = [port.label.text for port in self.ports if port.label]
        rest = [label.full for label in self.labels if label.full]
        if self.type not in (self.title, *written):
            rest.append(self.type)
        return ", ".join([*written, *ports, *rest])

    @property
    def bar(self) -> Point:
        """Return the upper left corner of the breakpoint's bar."""
        return self.box.x - BAR_WIDTH / 2, self.box.top - BAR_ABOVE

    @property
    def gutter_top(self) -> float:
        """Return the top of the strip above the block in which a breakpoint is set."""
        return self.box.top - BAR_ABOVE - 4

    @property
    def halo(self) -> Box:
        """Return the frame around the block."""
        return Box(self.box.x, self.box.y, self.box.width + 10, self.box.height + 10)

    @property
    def kind(self) -> str:
        """Return the CSS class of the shape; loops look like decisions."""
        return Shape.DECISION.value if self.shape is Shape.LOOP else self.shape.value


@dataclass(frozen=True, slots=True)
class WireDrawing:
    """A connection: its source, its target and its path."""

    source: str
    port: Port
    target: str
    points: tuple[Point, ...]
    path: str
    arrow: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A workspace, with the rectangle that it needs."""

    workspace: str
    title: str
    kind: str
    x: float
    y: float
    width: float
    height: float
    blocks: tuple[BlockDrawing, ...]
    wires: tuple[WireDrawing, ...]
    notes: tuple[NoteDrawing, ...]
    by_key: dict[str, BlockDrawing] = field(repr=False, compare=False)

    @property
    def view_box(self) -> str:
        return " ".join(f"{v:g}" for v in (self.x, self.y, self.width, self.height))

    def token_place(
        self, key: str, port: Port | None = None, at_breakpoint: bool = False
    ) -> Point | None:
        """Where the token at a block stands: before it, or on one of its ports."""
        block = self.by_key.get(key)
        if block is None:
            return None
        for drawn in block.ports:
            if drawn.port is port:
                return _beyond(block, drawn)
        x, y = block.before
        # In an activity the bar of the breakpoint is between the token and its block.
        return (x, y - _BAR_GAP) if at_breakpoint and self.kind == "activity" else (x, y)


def _beyond(block: BlockDrawing, port: PortDrawing) -> Point:
    """Return the place of a token on a port."""
    dx, dy = port.x - block.box.x, port.y - block.box.y
    if abs(dx) > abs(dy):
        return port.x + _TOKEN_GAP, port.y
    return port.x, port.y + _TOKEN_GAP


@dataclass(frozen=True, slots=True)
class Visited:
    """The visited part of a workspace: blocks by key, connections by (key, port)."""

    blocks: frozenset[str]
    wires: frozenset[tuple[str, str]]


@lru_cache(maxsize=512)
def draw(graph: FlowGraph, workspace: str) -> Drawing:
    """Return the drawing of one workspace of a flow."""
    nodes = {key: graph.blocks[key] for key in graph.workspaces[workspace].blocks}
    boxes = layout.place(graph, workspace)
    blocks = tuple(_block(graph.kind, nodes, nodes[key], boxes[key]) for key in nodes)
    by_key = {block.key: block for block in blocks}
    routes = _wires(graph, workspace, boxes, blocks)
    written = notes.place_notes(graph, workspace, boxes, partial(_taken, blocks, routes))
    x0, y0, x1, y1 = _extent(graph.kind, nodes, blocks, routes, written)
    return Drawing(
        workspace=workspace,
        title=graph.workspaces[workspace].name,
        kind=graph.kind,
        x=x0,
        y=y0,
        width=x1 - x0,
        height=y1 - y0,
        blocks=blocks,
        wires=routes,
        notes=written,
        by_key=by_key,
    )


def port_names(node: BlockNode) -> dict[Port, str]:
    """Return the names of a block's ports, of those that have one."""
    return {Port.EXCEPTION: "exception", **node.block.port_names()}


def port_name(node: BlockNode | None, port: str) -> str:
    """Return what the diagram calls a port of a block; where it has no name, the side that it is
    on."""
    return port_names(node).get(Port(port), port) if node and port else port


def _block(kind: str, nodes: dict[str, BlockNode], node: BlockNode, box: Box) -> BlockDrawing:
    shape = node.block.shape
    inside = shape in LABELLED_INSIDE
    size = 16 if inside or shape is not Shape.ACTION else 18
    return BlockDrawing(
        key=node.key,
        type=node.block.type,
        title=node.title,
        shape=shape,
        icon=node.block.icon,
        icon_size=size,
        icon_x=(box.left + 10 if inside else box.x - size / 2),
        icon_y=box.y - size / 2,
        box=box,
        labels=_labels(kind, node, box),
        ports=_ports(kind, nodes, node, box),
        before=(
            (box.x, box.top - _TOKEN_GAP) if kind == "activity" else (box.left - _TOKEN_GAP, box.y)
        ),
        hits=(
            box.right - (10 if node.block.shape in (Shape.DECISION, Shape.LOOP) else 8),
            box.bottom - (12 if node.block.shape in (Shape.DECISION, Shape.LOOP) else 9),
        ),
        path=outline(shape, box),
        fold=fold(box) if shape is Shape.WORKSPACE else "",
        opens=node.key if node.block.opens_workspace else "",
    )


def _labels(kind: str, node: BlockNode, box: Box) -> tuple[Label, ...]:
    if node.block.shape in LABELLED_INSIDE:
        text = fit_text(node.title, box.width - BESIDE_LABEL)
        full = node.title if text != node.title else ""
        return (Label(text, box.left + 32, box.y + 4, "start", full),)
    lines = [(node.title, 12)]
    if node.description and node.block.shape not in (Shape.START, Shape.END):
        lines.append((node.block.name, 11))
    labels = []
    for number, (text, size) in enumerate(lines):
        cut = fit_text(text, LABEL_WIDTH, size)
        if kind == "process":
            x, anchor = box.x, "middle"
            y = box.top - LABEL_GAP - 15 * (len(lines) - 1 - number)
        else:
            x, anchor = box.left - LABEL_GAP, "end"
            y = box.y + (4 if len(lines) == 1 else (-2, 13)[number])
        labels.append(Label(cut, x, y, anchor, text if cut != text else ""))
    return tuple(labels)


def _ports(
    kind: str, nodes: dict[str, BlockNode], node: BlockNode, box: Box
) -> tuple[PortDrawing, ...]:
    names = port_names(node)
    drawn = []
    for port in node.block.ports:
        x, y = _port_place(kind, node, box, port)
        connected = node.ports.get(port) in nodes
        name = names.get(port, "") if connected else ""
        label = None
        if name:
            label = Label(name, *_name_place(node, box, port, x, y), "start")
        drawn.append(PortDrawing(port, x, y, connected, label))
    return tuple(drawn)


def _name_place(node: BlockNode, box: Box, port: Port, x: float, y: float) -> Point:
    """Return where the name of a port begins: clear of a token on the port, or at the end of its
    wire."""
    if abs(x - box.x) <= abs(y - box.y):
        return x + _TOKEN_REACH + 2, y + 18
    if port is Port.EXCEPTION and Port.RIGHT in node.block.ports:
        return x + 8, y + _TOKEN_REACH + 10  # above is the name of the other one
    return x + 8, y - _TOKEN_REACH - 3


def _port_place(kind: str, node: BlockNode, box: Box, port: Port) -> Point:
    turned = kind == "process"
    here = box.turned() if turned else box
    if port is Port.BOTTOM:
        place = (here.x, here.bottom)
    elif port is Port.EXCEPTION and Port.RIGHT in node.block.ports:
        place = (here.right, here.y + here.height / 4)
    else:
        place = (here.right, here.y)
    return (place[1], place[0]) if turned else place


def _wires(
    graph: FlowGraph, workspace: str, boxes: dict[str, Box], blocks: tuple[BlockDrawing, ...]
) -> tuple[WireDrawing, ...]:
    leaves = {(b.key, port.port): (port.x, port.y) for b in blocks for port in b.ports}
    result = []
    for (source, port), route in routing.route_wires(graph, workspace, boxes, leaves).items():
        points = [(y, x) for x, y in route] if graph.kind == "process" else route
        result.append(
            WireDrawing(
                source=source,
                port=port,
                target=graph.blocks[source].ports[port],
                points=tuple(points),
                path=wire_router.path(points),
                arrow=wire_router.arrowhead(points),
            )
        )
    return tuple(result)


def _taken(blocks: tuple[BlockDrawing, ...], routes: tuple[WireDrawing, ...]) -> list[Box]:
    """Return what notes must not cover: blocks, labels, wires, and places of tokens and counts."""
    taken = []
    for block in blocks:
        x, y = block.before
        taken += [block.box, Box(x + 20, y, 80, 24)]
        taken.append(Box(block.hits[0] + 20, block.hits[1] + 9, 40, 18))
        labels = () if block.shape in LABELLED_INSIDE else block.labels
        taken += [_label_extent(label) for label in labels]
        for port in block.ports:
            x, y = _beyond(block, port)
            taken.append(Box(x, y, 28, 28))
            taken += [_label_extent(port.label)] if port.label else []
    for wire in routes:
        for (x0, y0), (x1, y1) in pairwise(wire.points):
            taken.append(Box((x0 + x1) / 2, (y0 + y1) / 2, abs(x0 - x1), abs(y0 - y1)))
    return taken


def _label_extent(label: Label) -> Box:
    width = text_width(label.text)
    shift = {"start": width / 2, "end": -width / 2}.get(label.anchor, 0)
    return Box(label.x + shift, label.y - 4, width, 16)


def _extent(
    kind: str,
    nodes: dict[str, BlockNode],
    blocks: tuple[BlockDrawing, ...],
    routes: tuple[WireDrawing, ...],
    written: tuple[NoteDrawing, ...],
) -> tuple[float, float, float, float]:
    xs, ys = [0.0], [0.0]
    if blocks:
        xs, ys = [], []
    for block in blocks:
        box, label = block.box, layout.label_box(nodes[block.key], block.box, "activity")
        xs += [box.left, box.right + 20]
        ys += [box.top, box.bottom + 8]
        if label and kind == "activity":
            xs.append(label.left)
        elif kind == "process":
            width = layout.label_width(nodes[block.key])
            xs += [box.x - width / 2, box.x + width / 2]
            ys.append(box.top - 44)
        xs.append(block.before[0] - 14)
        ys.append(block.before[1] - 14)
    for wire in routes:
        xs += [x for x, _ in wire.points]
        ys += [y for _, y in wire.points]
    for note in written:
        xs += [note.box.left, note.box.right]
        ys += [note.box.top, note.box.bottom]
    return (
        round(min(xs)) - _MARGIN,
        round(min(ys)) - _MARGIN // 2,
        round(max(xs)) + _MARGIN,
        round(max(ys)) + _MARGIN,
    )
