"""The geometry of the chart of a failure group: bars by hour, and marks where versions were
published."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from executions.failures.trend import Hour, Trend
from flows.formatting import local


@dataclass(frozen=True, slots=True)
class Size:
    """How large a chart is, and where its bars begin and end. A small one has no axis."""

    width: int
    height: int
    left: int
    top: int
    has_axis: bool

    @property
    def ground(self) -> int:
        return self.height - 30

    @property
    def right(self) -> int:
        return self.width - 16


WIDE = Size(964, 126, 44, 22, has_axis=True)
NARROW = Size(366, 88, 0, 18, has_axis=False)


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    is_current: bool


@dataclass(frozen=True, slots=True)
class Sign:
    """A mark: where it stands, its label, who resolved the group, and on which side it is told."""

    x: float
    label: str
    resolved_by: str
    is_left: bool
    y: int


class TrendChart:
    """A trend, drawn in a size."""

    def __init__(self, trend: Trend, size: Size) -> None:
        self.trend = trend
        self.size = size
        self.most = _round(trend.most)
        self._start = trend.hours[0].start
        self._length = (trend.hours[-1].end - self._start).total_seconds()

    def _x(self, at: datetime) -> float:
        seconds = (at - self._start).total_seconds()
        size = self.size
        return round(size.left + (size.right - size.left) * seconds / self._length, 1)

    def _y(self, number: int) -> float:
        size = self.size
        return round(size.ground - (size.ground - size.top) * number / self.most, 1)

    @property
    def bars(self) -> Iterator[Bar]:
        for hour in self.trend.hours:
            if hour.number:
                x, y = self._x(hour.start), self._y(hour.number)
                width = max(1.5, self._x(hour.end) - x - 1.2)
                yield Bar(x, y, round(width, 1), round(self.size.ground - y, 1), hour.is_current)

    @property
    def lines(self) -> list[tuple[int, float]]:
        """The numbers of the axis, and where they stand."""
        half = [self.most // 2] if self.most > 1 else []
        return [(number, self._y(number)) for number in (0, *half, self.most)]

    @property
    def days(self) -> Iterator[tuple[str, float]]:
        """The days, and where they begin."""
        for hour in self.trend.hours:
            at = local(hour.start)
            x = self._x(hour.start)
            if at.hour == 0 and at.minute == 0 and x < self.size.right - 60:
                yield f"{at:%a} {at.day}", x

    @property
    def signs(self) -> Iterator[Sign]:
        middle = (self.size.left + self.size.right) / 2
        last, row = -100.0, 0
        for mark in self.trend.marks:
            x = self._x(mark.at)
            row = (row + 1) % 2 if x - last < 60 else 0
            last = x
            label = f"v{mark.version}" if mark.version else ""
            yield Sign(x, label, mark.resolved_by, x > middle, 18 - 12 * row)

    @property
    def description(self) -> str:
        """The chart in words, for those who don't see it."""
        trend = self.trend
        if not trend.total:
            return "No failures in 7 days"
        peak = max(trend.hours, key=lambda hour: hour.number)
        return (
            f"{trend.total:,} failures in 7 days: at most {peak.number:,} an hour, on "
            f"{_when(peak)}; {trend.last:,} in the last hour"
        )


def _when(hour: Hour) -> str:
    at = timezone.localtime(hour.start)
    return f"{at:%A} at {at:%H:%M}"


def _round(most: int) -> int:
    """Return an even number that is round, for the top of the axis."""
    if most <= 2:
        return 2
    step: int = 10 ** (len(str(most)) - 1)
    return next(step * part for part in (1, 2, 4, 6, 8, 10) if step * part >= most)
