"""A way around the blocks, for a wire that no simple pattern takes past them. Pure.

The lines between the blocks make a grid; the cheapest way through it that touches no block is
searched, a bend costing as much as it does elsewhere.
"""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush

from flows.diagram.geometry import Point

#: Crossings of lines beyond which nothing is searched: the drawing would take too long.
LARGEST = 12_000

_Place = tuple[int, int]
_RIGHT, _DOWN, _LEFT, _UP = (1, 0), (0, 1), (-1, 0), (0, -1)


def around(
    start: Point,
    end: Point,
    aside: bool,
    lines: tuple[Iterable[float], Iterable[float]],
    price: Callable[[Point, Point], float | None],
    bend: float,
) -> list[Point] | None:
    """The corners from a port, left to the right when `aside` and else down, to the top of a
    block, entered from above; None when there is no way. `lines` are the places across and down
    along which it may run; `price` is what a stretch costs, or None when a block is in the way."""
    xs = sorted({*lines[0], start[0], end[0]})
    ys = sorted({*lines[1], start[1], end[1]})
    if len(xs) * len(ys) > LARGEST:
        return None
    first = (xs.index(start[0]), ys.index(start[1]))
    last = (xs.index(end[0]), ys.index(end[1]))
    heading = _RIGHT if aside else _DOWN
    known: dict[tuple[_Place, _Place], float] = {(first, heading): 0.0}
    came: dict[tuple[_Place, _Place], tuple[_Place, _Place]] = {}
    waiting = [(0.0, first, heading)]
    while waiting:
        cost, place, towards = heappop(waiting)
        if cost > known[place, towards]:
            continue
        if place == last and towards == _DOWN:
            return _corners((place, towards), came, xs, ys)
        for way in (_RIGHT, _DOWN, _LEFT, _UP):
            back = (way[0] + towards[0], way[1] + towards[1]) == (0, 0)
            if back or (place == first and way != heading):
                continue
            there = place[0] + way[0], place[1] + way[1]
            if not (0 <= there[0] < len(xs) and 0 <= there[1] < len(ys)):
                continue
            stretch = price((xs[place[0]], ys[place[1]]), (xs[there[0]], ys[there[1]]))
            if stretch is None:
                continue
            total = cost + stretch + (bend if way != towards else 0)
            if total < known.get((there, way), float("inf")):
                known[there, way] = total
                came[there, way] = (place, towards)
                heappush(waiting, (total, there, way))
    return None


def _corners(
    state: tuple[_Place, _Place],
    came: dict[tuple[_Place, _Place], tuple[_Place, _Place]],
    xs: list[float],
    ys: list[float],
) -> list[Point]:
    found = [(xs[state[0][0]], ys[state[0][1]])]
    while state in came:
        state = came[state]
        found.append((xs[state[0][0]], ys[state[0][1]]))
    return found[::-1]
