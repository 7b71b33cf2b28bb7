"""Finds orthogonal routes between blocks. Pure and deterministic.

Routes are found in the frame of an activity (in at the top, on at the bottom, aside at the right);
`flows.diagram.drawing` turns those of a process. Each connection has a handful of patterns along
lines between the blocks; the cheapest by length, bends, blocks and labels crossed is taken. Wires
to the same block may share a line: they join, as a loop's ways back do.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from flows.blocks.base import Port
from flows.diagram.geometry import Box, Point
from flows.diagram.path_search import Grid

#: A wire comes down to a block from this far above its centre; the line that leaves is as far
#: from the next row's.
MERGE = {"activity": 46, "process": 130}
LEAVE = {"activity": 38, "process": 122}
_CLEAR = 6
_BEND = 14
_LABEL = 90
_CROSSING = 160
_SHARED = 400
_BLOCKED = 4000
_MOST_LINES = 48
_RADIUS = 8


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection to route: from a port, on a side of its block, to the top of another block."""

    source: str
    port: Port
    target: str
    start: Point
    end: Point
    #: For a way back: the right edge of the body that it runs around.
    around: float | None = None

    @property
    def aside(self) -> bool:
        return self.port is not Port.BOTTOM


def _least(connection: Connection) -> float:
    """Return the cost of the cheapest imaginable route."""
    (x0, y0), (x1, y1) = connection.start, connection.end
    bends = 1 if connection.aside else 2 * (x0 != x1)
    return abs(x1 - x0) + abs(y1 - y0) + _BEND * bends


class Router:
    """Routes the connections of one workspace, one after the other."""

    def __init__(
        self, boxes: Mapping[str, Box], labels: Iterable[Box], kind: str = "activity"
    ) -> None:
        self.boxes = boxes
        #: Left, right, top and bottom of each.
        self.labels = [(box.left, box.right, box.top, box.bottom) for box in labels]
        self.merge, self.leave = MERGE[kind], LEAVE[kind]
        rights = {box.right + 20 + 12 * n for box in boxes.values() for n in range(4)}
        self.columns = sorted(rights | {box.left - 20 for box in boxes.values()})
        lowest = max((box.bottom for box in boxes.values()), default=0) + 18
        self.rows = sorted(
            {box.y + self.leave + extra for box in boxes.values() for extra in (0, 10)}
            | {box.y - self.merge for box in boxes.values()}
            | {lowest + 10 * n for n in range(5)}
        )
        self.across: dict[float, list[tuple[float, float, str]]] = {}
        self.down: dict[float, list[tuple[float, float, str]]] = {}
        #: Routed so far: line → (from, to, target).
        self.flat: dict[float, list[tuple[float, float, str]]] = defaultdict(list)
        self.steep: dict[float, list[tuple[float, float, str]]] = defaultdict(list)

    def route(self, connection: Connection) -> list[Point]:
        """Return the corners of a connection, ends included."""
        best: list[Point] = []
        cost = float("inf")
        for points in self._patterns(connection):
            points = _straighten(points)
            price = self._price(points, connection, cost)
            if price < cost:
                best, cost = points, price
                if cost <= _least(connection):
                    break  # nothing is shorter than straight
        if cost >= _BLOCKED and (detour := self._detour(connection)):
            best = _straighten(detour)
        for a, b in pairwise(best):
            if a[1] == b[1]:
                self.flat[a[1]].append((min(a[0], b[0]), max(a[0], b[0]), connection.target))
            else:
                self.steep[a[0]].append((min(a[1], b[1]), max(a[1], b[1]), connection.target))
        return best

    def _detour(self, connection: Connection) -> list[Point] | None:
        start, end = connection.start, connection.end

        def price(a: Point, b: Point) -> float | None:
            # On the straight ways out of its port and down into its target it is among its own.
            out = a[1] == b[1] == start[1] and min(a[0], b[0]) >= start[0]
            if not connection.aside:
                out = a[0] == b[0] == start[0] and min(a[1], b[1]) >= start[1]
            into = a[0] == b[0] == end[0] and max(a[1], b[1]) <= end[1]
            own = {connection.source} if out else set()
            own |= {connection.target} if into else set()
            if any(key not in own for key in self._blocks_on(a, b)):
                return None
            length = abs(a[0] - b[0]) + abs(a[1] - b[1])
            return length + self._wires_on(a, b, connection.target)

        above = self.boxes[connection.target].y - self.merge
        tight = (box.bottom + _CLEAR + 2 for box in self.boxes.values())
        xs = [*self.columns, start[0], end[0]]
        ys = [*self.rows, *tight, above - 10, above + 10, start[1], end[1]]
        return Grid(xs, ys, price, _BEND).search(start, end, connection.aside)

    def _patterns(self, connection: Connection) -> Iterator[list[Point]]:
        """Yield the routes to choose from."""
        if connection.aside:
            yield from self._patterns_aside(connection)
            return
        if connection.end[1] > connection.start[1] and connection.around is None:
            yield from self._patterns_down(connection)
        yield from self._patterns_around(connection)

    def _patterns_aside(self, connection: Connection) -> Iterator[list[Point]]:
        """Yield routes from the right of a block."""
        (x0, y0), (x1, y1) = connection.start, connection.end
        if x1 > x0 + 4 and y1 > y0 + 4:
            yield [(x0, y0), (x1, y0), (x1, y1)]
        for x in self._columns_right_of(connection.around or x0):
            for y in self._entries(connection):
                yield [(x0, y0), (x, y0), (x, y), (x1, y), (x1, y1)]

    def _patterns_down(self, connection: Connection) -> Iterator[list[Point]]:
        """Yield routes from the bottom of a block to one below it."""
        (x0, y0), (x1, y1) = connection.start, connection.end
        if x0 == x1:
            yield [(x0, y0), (x1, y1)]
        for y in self.rows:
            if y0 + 4 < y < y1 - 4:
                yield [(x0, y0), (x0, y), (x1, y), (x1, y1)]
        yield [(x0, y0), (x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2), (x1, y1)]

    def _patterns_around(self, connection: Connection) -> Iterator[list[Point]]:
        """Yield routes from the bottom of a block that pass obstacles on the right."""
        (x0, y0), (x1, y1) = connection.start, connection.end
        below = [y for y in self.rows if y > y0 + 4][:12] or [y0 + 16]
        for x in self._columns_right_of(connection.around or min(x0, x1)):
            for y in self._entries(connection):
                for leave in below:
                    yield [(x0, y0), (x0, leave), (x, leave), (x, y), (x1, y), (x1, y1)]

    def _entries(self, connection: Connection) -> list[float]:
        """Return the rows in which a wire may arrive above its block."""
        above = self.boxes[connection.target].y - self.merge
        return [above, *(y for y in (above - 10, above + 10) if y < connection.end[1])]

    def _columns_right_of(self, x: float) -> list[float]:
        right = [column for column in self.columns if column > x + 12]
        if len(right) > _MOST_LINES:
            right = right[: _MOST_LINES - 4] + right[-4:]
        return right or [x + 20]

    def _price(self, points: list[Point], connection: Connection, limit: float) -> float:
        price = float(_BEND * (len(points) - 2))
        pairs = list(pairwise(points))
        price += sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in pairs)
        for number, (a, b) in enumerate(pairs):
            if price >= limit:
                return price
            own = set()
            if number == 0:
                own.add(connection.source)
            if number == len(pairs) - 1:
                own.add(connection.target)
            price += _BLOCKED * sum(key not in own for key in self._blocks_on(a, b))
            price += self._wires_on(a, b, connection.target)
            price += _LABEL * self._labels_on(a, b)
        return price

    def _blocks_on(self, a: Point, b: Point) -> Iterator[str]:
        if a[1] == b[1]:
            line, known, (low, high) = a[1], self.across, sorted((a[0], b[0]))
        else:
            line, known, (low, high) = a[0], self.down, sorted((a[1], b[1]))
        if line not in known:
            known[line] = [
                (box.left - _CLEAR, box.right + _CLEAR, key)
                if known is self.across
                else (box.top - _CLEAR, box.bottom + _CLEAR, key)
                for key, box in self.boxes.items()
                if (
                    box.top - _CLEAR < line < box.bottom + _CLEAR
                    if known is self.across
                    else box.left - _CLEAR < line < box.right + _CLEAR
                )
            ]
        return (key for first, last, key in known[line] if first < high and low < last)

    def _labels_on(self, a: Point, b: Point) -> int:
        """Return how many labels a piece of a wire runs over."""
        (x0, y0), (x1, y1) = a, b
        if x0 > x1:
            x0, x1 = x1, x0
        if y0 > y1:
            y0, y1 = y1, y0
        found = 0
        for left, right, top, bottom in self.labels:
            if x0 < right and x1 > left and y0 < bottom and y1 > top:
                found += 1
        return found

    def _wires_on(self, a: Point, b: Point, target: str) -> float:
        """Return the cost of crossing other wires, or of running along one with another target."""
        flat = a[1] == b[1]
        line, (low, high) = (a[1], sorted((a[0], b[0]))) if flat else (a[0], sorted((a[1], b[1])))
        along, across = (self.flat, self.steep) if flat else (self.steep, self.flat)
        price = 0.0
        for first, last, other in along.get(line, ()):
            if other != target and first < high and low < last:
                price += _SHARED
        for place, wires in across.items():
            if low < place < high:
                for first, last, other in wires:
                    if other != target and first < line < last:
                        price += _CROSSING
        return price


def _straighten(points: list[Point]) -> list[Point]:
    """Remove repeated corners, and points on a straight line."""
    corners = [points[0]]
    for point in points[1:]:
        if point == corners[-1]:
            continue
        if len(corners) > 1:
            (ax, ay), (bx, by) = corners[-2:]
            if ax == bx == point[0] or ay == by == point[1]:
                corners.pop()
        corners.append(point)
    return corners


def path(points: list[Point], cut: float = 5) -> str:
    """Return the SVG path of a route, corners rounded, cut short by `cut` for the arrowhead."""
    points = [*points[:-1], _towards(points[-1], points[-2], cut)]
    data = f"M{_n(points[0][0])} {_n(points[0][1])}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(_RADIUS, _length(before, corner) / 2, _length(corner, after) / 2)
        (ax, ay), (bx, by) = _towards(corner, before, radius), _towards(corner, after, radius)
        data += f"L{_n(ax)} {_n(ay)}Q{_n(corner[0])} {_n(corner[1])} {_n(bx)} {_n(by)}"
    return data + f"L{_n(points[-1][0])} {_n(points[-1][1])}"


def arrowhead(points: list[Point]) -> str:
    """Return the path of a 9 by 7 triangle at the end of a route."""
    (x0, y0), (x, y) = points[-2:]
    if x0 == x:
        return f"M{_n(x)} {_n(y)}l-4.5 {-7 if y > y0 else 7}h9z"
    return f"M{_n(x)} {_n(y)}l{-7 if x > x0 else 7} -4.5v9z"


def _length(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(point: Point, other: Point, distance: float) -> Point:
    (x, y), (ox, oy) = point, other
    step = min(distance, _length(point, other))
    return (
        x + step * ((ox > x) - (ox < x)),
        y + step * ((oy > y) - (oy < y)),
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
