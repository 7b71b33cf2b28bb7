"""Finds a path around the blocks for a wire that no simple pattern fits. Pure.

The lines between the blocks form a grid. The search finds the cheapest path through it that touches
no block; a bend costs as much as it does elsewhere.
"""

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush

from flows.diagram.geometry import Point

#: The most grid crossings that are searched: beyond that the drawing would take too long.
LARGEST = 12_000

_Crossing = tuple[int, int]
_Direction = tuple[int, int]
_State = tuple[_Crossing, _Direction]
_RIGHT, _DOWN = (1, 0), (0, 1)
_WAYS = (_RIGHT, _DOWN, (-1, 0), (0, -1))


class Grid:
    """The lines along which a wire may run, across and down. `price` returns the cost of a stretch,
    or None when a block is in the way; `bend` is the cost of a corner."""

    def __init__(
        self,
        xs: Iterable[float],
        ys: Iterable[float],
        price: Callable[[Point, Point], float | None],
        bend: float,
    ) -> None:
        self.xs = sorted(set(xs))
        self.ys = sorted(set(ys))
        self.price = price
        self.bend = bend

    def search(self, start: Point, end: Point, aside: bool) -> list[Point] | None:
        """Return the corners of the cheapest way from a port, left to the right when `aside` and
        else down, to the top of a block, entered from above; None when there is no way. The grid
        has a line through both ends in both directions."""
        if len(self.xs) * len(self.ys) > LARGEST:
            return None
        first, last = self._crossing(start), self._crossing(end)
        begin = (first, _RIGHT if aside else _DOWN)
        known: dict[_State, float] = {begin: 0.0}
        came: dict[_State, _State] = {}
        waiting = [(0.0, *begin)]
        while waiting:
            cost, place, heading = heappop(waiting)
            if cost > known[place, heading]:
                continue
            if place == last and heading == _DOWN:
                return self._corners((place, heading), came)
            ways = begin[1:] if place == first else _WAYS  # out of a port only straight ahead
            for state, price in self._steps(place, heading, ways):
                total = cost + price
                if total < known.get(state, float("inf")):
                    known[state] = total
                    came[state] = (place, heading)
                    heappush(waiting, (total, *state))
        return None

    def _crossing(self, point: Point) -> _Crossing:
        return self.xs.index(point[0]), self.ys.index(point[1])

    def _steps(
        self, place: _Crossing, heading: _Direction, ways: Iterable[_Direction]
    ) -> Iterator[tuple[_State, float]]:
        """Yield the crossings beside this one, with what it costs to go there, but never back."""
        for way in ways:
            there = place[0] + way[0], place[1] + way[1]
            is_back = (way[0] + heading[0], way[1] + heading[1]) == (0, 0)
            if is_back or not (0 <= there[0] < len(self.xs) and 0 <= there[1] < len(self.ys)):
                continue
            stretch = self.price(self._point(place), self._point(there))
            if stretch is not None:
                yield (there, way), stretch + (self.bend if way != heading else 0)

    def _point(self, crossing: _Crossing) -> Point:
        return self.xs[crossing[0]], self.ys[crossing[1]]

    def _corners(self, state: _State, came: dict[_State, _State]) -> list[Point]:
        found = [self._point(state[0])]
        while state in came:
            state = came[state]
            found.append(self._point(state[0]))
        return found[::-1]
