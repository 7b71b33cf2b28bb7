"""Routes the wires of a workspace, one after the other, in the order that leaves room. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from flows.blocks.base import Port
from flows.diagram import layout, wire_router
from flows.diagram.geometry import Box, Point
from flows.graph import BlockNode, FlowGraph

Routes = dict[tuple[str, Port], list[Point]]


def route_wires(
    graph: FlowGraph,
    workspace: str,
    boxes: Mapping[str, Box],
    ports: Mapping[tuple[str, Port], Point],
) -> Routes:
    """Return the corners of each connection, in the frame of an activity, in the order of the
    blocks. `ports` are the places where wires begin."""
    kind = graph.kind
    turned = kind == "process"
    nodes = {key: graph.blocks[key] for key in graph.workspaces[workspace].blocks}
    frame = {key: box.turned() if turned else box for key, box in boxes.items()}
    labels = [layout.label_box(node, frame[key], kind) for key, node in nodes.items()]
    router = wire_router.Router(frame, [label for label in labels if label], kind)
    connections = []
    for key in nodes:
        for port, target in layout.edges(nodes, key):
            if (key, port) in ports:
                x, y = ports[key, port]
                start = (y, x) if turned else (x, y)
                end = frame[target].x, frame[target].top
                connections.append(wire_router.Connection(key, port, target, start, end))
    routed = _route(router, connections, nodes, frame, graph.workspaces[workspace].start)
    return {(c.source, c.port): routed[c.source, c.port] for c in connections}


def _route(
    router: wire_router.Router,
    connections: list[wire_router.Connection],
    nodes: dict[str, BlockNode],
    frame: dict[str, Box],
    start: str,
) -> Routes:
    """Straight and short ones first, then the ways back, from the innermost circle outwards."""
    back = layout.returns(nodes, start)
    routed = {
        (c.source, c.port): router.route(c)
        for c in sorted(connections, key=_difficulty)
        if (c.source, c.target) not in back
    }
    circles = layout.circles(nodes, start)
    reached: dict[str, float] = {}
    for target in sorted(circles, key=lambda key: len(circles[key])):
        body = circles[target]
        around = max([frame[key].right for key in body] + [reached.get(key, 0) for key in body])
        for c in connections:
            if c.target == target and (c.source, target) in back:
                points = router.route(replace(c, around=around))
                routed[c.source, c.port] = points
                reached[target] = max([reached.get(target, 0)] + [x for x, _ in points])
    return routed


def _difficulty(connection: wire_router.Connection) -> tuple[bool, float]:
    (x0, y0), (x1, y1) = connection.start, connection.end
    return (x0 != x1 and not connection.aside, abs(x1 - x0) + abs(y1 - y0))
