"""Charts over time: lines with areas, stacked areas and bars, with one point for each bucket. Pure.

Everything is in percent of the plot, so a chart is as wide as its place.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from itertools import groupby
from math import ceil

from executions.charts.scales import Axis

_DAY = timedelta(days=1)
#: How many times the horizontal axis says, its ends among them; of several days, how many days.
_TIMES = 5
_DAYS = 4
#: Before and beyond these parts of the width, days would lie over the axis and the end; nearer than
#: so much there is no room for the labels of two marks.
_FIRST, _LAST, _NEAR = 4, 78, 12
#: By how much the last third of a line differs from the first one before it counts as a trend.
_TREND = 0.1


@dataclass(frozen=True, slots=True)
class Line:
    """A value for each bucket; None where there is none. `tone` is a CSS class that sets a colour.

    A line that is `stacked` stands on the one before it, as an area.
    """

    label: str
    values: Sequence[float | None]
    tone: str
    dashed: bool = False
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a moment: a version was published."""

    at: datetime
    label: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A bucket of time. `words` say what its values mean together, and `url` leads to what was
    counted."""

    start: datetime
    end: datetime
    words: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """A mark: where it stands, and on which side and in which line from below its label does."""

    x: float
    label: str
    url: str
    is_left: bool
    line: int


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line as SVG paths."""

    label: str
    tone: str
    dashed: bool
    stacked: bool
    stroke: str
    area: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table that says what the chart shows, and where the crosshair stands for it:
    at `x`, and on each line at one of `ys`."""

    time: str
    cells: tuple[str, ...]
    words: str
    marks: str
    url: str
    x: float
    ys: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, ready to draw. `label` says in words what it shows."""

    key: str
    title: str
    label: str
    lines: tuple[DrawnLine, ...]
    ticks: tuple[tuple[float, str], ...]
    times: tuple[tuple[float, str, str], ...]
    marks: tuple[DrawnMark, ...]
    rows: tuple[Row, ...]
    is_bars: bool
    is_empty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a chart is made of. `key` tells it from the others of its page."""

    key: str
    title: str
    slots: Sequence[Slot]
    lines: Sequence[Line]
    axis: Axis
    zone: tzinfo
    marks: Sequence[Mark] = ()
    bars: bool = False
    #: How many days a chart of several says below it.
    days: int = _DAYS


def draw(plan: Plan) -> Chart:
    """Return a chart."""
    heights = _heights(plan)
    write = time_writer(plan.slots, plan.zone)
    xs = [_x(plan, slot.start + (slot.end - slot.start) / 2) for slot in plan.slots]
    path = _bar_path if plan.bars else _line_path
    drawn = []
    for number, (line, tops) in enumerate(zip(plan.lines, heights, strict=True)):
        below = heights[number - 1] if line.stacked else None
        stroke, area = path(xs, [_y(plan, top) for top in tops], _floor(plan, below))
        drawn.append(DrawnLine(line.label, line.tone, line.dashed, line.stacked, stroke, area))
    marks = [mark for mark in plan.marks if plan.slots[0].start <= mark.at <= plan.slots[-1].end]
    return Chart(
        key=plan.key,
        title=plan.title,
        label=_label(plan, write),
        lines=tuple(drawn),
        ticks=tuple(plan.axis.ticks),
        times=tuple(_times(plan)),
        marks=tuple(_drawn_marks(plan, marks)),
        rows=tuple(
            _row(plan, number, xs[number], heights, marks, write) for number in range(len(xs))
        ),
        is_bars=plan.bars,
        is_empty=all(value is None for line in plan.lines for value in line.values),
    )


# Geometry ----------------------------------------------------------------------------------------


def _x(plan: Plan, at: datetime) -> float:
    start, end = plan.slots[0].start, plan.slots[-1].end
    return round(100 * ((at - start) / (end - start)), 2)


def _y(plan: Plan, value: float | None) -> float | None:
    return None if value is None else plan.axis.y(value)


def _heights(plan: Plan) -> list[list[float | None]]:
    """Return the value at which each line is drawn: stacked ones stand on the one before."""
    found: list[list[float | None]] = []
    for line in plan.lines:
        if line.stacked and found:
            pairs = zip(line.values, found[-1], strict=True)
            found.append([None if a is None or b is None else a + b for a, b in pairs])
        else:
            found.append(list(line.values))
    return found


def _floor(plan: Plan, below: Sequence[float | None] | None) -> list[float]:
    """Return where the area of a line ends: at the line below it, or at the bottom."""
    if below is None:
        return [100.0] * len(plan.slots)
    return [100.0 if value is None else plan.axis.y(value) for value in below]


def _line_path(
    xs: Sequence[float], ys: Sequence[float | None], floors: Sequence[float]
) -> tuple[str, str]:
    """Return the path of a line, and of the area below it. They have gaps where it has no value."""
    strokes, areas = [], []
    points = zip(xs, ys, floors, strict=True)
    for is_gap, run in groupby(points, key=lambda point: point[1] is None):
        if is_gap:
            continue
        reached = list(run)
        tops = [f"{x} {y}" for x, y, _ in reached]
        bottoms = [f"{x} {floor}" for x, _, floor in reversed(reached)]
        # A single point is a dot: a line of no length has round ends.
        strokes.append("M" + "L".join(tops) + ("h.01" if len(tops) == 1 else ""))
        areas.append("M" + "L".join([*tops, *bottoms]) + "Z")
    return "".join(strokes), "".join(areas)


def _bar_path(
    xs: Sequence[float], ys: Sequence[float | None], floors: Sequence[float]
) -> tuple[str, str]:
    """Return the path of bars, which have no line around them."""
    width = round(80 / max(1, len(xs)), 2)
    bars = [
        f"M{round(x - width / 2, 2)} {floor}h{width}V{y}h-{width}Z"
        for x, y, floor in zip(xs, ys, floors, strict=True)
        if y is not None and y < floor
    ]
    return "", "".join(bars)


def _times(plan: Plan) -> list[tuple[float, str, str]]:
    """Return the times at the horizontal axis: where, which, and which end of the text is there."""
    start, end = plan.slots[0].start, plan.slots[-1].end
    if end - start > 2 * _DAY:
        return [*_days(plan), (100.0, _day(end.astimezone(plan.zone)), "end")]
    found = []
    for number in range(_TIMES):
        at = start + (end - start) * number / (_TIMES - 1)
        anchor = "start" if not number else "end" if number == _TIMES - 1 else "middle"
        found.append((100 * number / (_TIMES - 1), _clock(at.astimezone(plan.zone)), anchor))
    return found


def _days(plan: Plan) -> list[tuple[float, str, str]]:
    """Return where days begin, of which there are not too many."""
    first, last = (at.astimezone(plan.zone) for at in (plan.slots[0].start, plan.slots[-1].end))
    dates = [
        first.date() + number * _DAY for number in range((last.date() - first.date()).days + 1)
    ]
    starts = [datetime.combine(date, time(), plan.zone) for date in dates]
    starts = [at for at in starts if _FIRST <= _x(plan, at) <= _LAST]
    shown = starts[:: max(1, ceil(len(starts) / plan.days))]
    return [(_x(plan, at), _day(at), "middle") for at in shown]


def _drawn_marks(plan: Plan, marks: Sequence[Mark]) -> Iterator[DrawnMark]:
    """Yield the marks; labels that would cover each other stand in two lines, and where both are
    taken, the crosshair says what the mark is."""
    ends = [-float(_NEAR)] * 2
    for mark in marks:
        x = _x(plan, mark.at)
        line = next((line for line, end in enumerate(ends) if x - end >= _NEAR), None)
        if line is not None:
            ends[line] = x
        yield DrawnMark(x, mark.label if line is not None else "", mark.url, x > 50, line or 0)


# Words -------------------------------------------------------------------------------------------


def time_writer(slots: Sequence[Slot], zone: tzinfo) -> Callable[[Slot], str]:
    """Return how the buckets of a chart are called: `04:45 – 05:00`, `14 Jul 04:00 – 05:00`,
    `14 Jul`."""
    with_day = slots[-1].end - slots[0].start > _DAY

    def write(slot: Slot) -> str:
        start, end = slot.start.astimezone(zone), slot.end.astimezone(zone)
        if slot.end - slot.start > timedelta(hours=12):
            return _day(start)
        return (f"{_day(start)} " if with_day else "") + f"{_clock(start)} – {_clock(end)}"

    return write


def _clock(at: datetime) -> str:
    return f"{at:%H:%M}"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b}"


def _row(  # noqa: PLR0913  # what one row takes of a chart
    plan: Plan,
    number: int,
    x: float,
    heights: Sequence[Sequence[float | None]],
    marks: Sequence[Mark],
    write: Callable[[Slot], str],
) -> Row:
    slot = plan.slots[number]
    values = [line.values[number] for line in plan.lines]
    ys = [_y(plan, tops[number]) for tops in heights]
    shown = [mark.label for mark in marks if slot.start <= mark.at < slot.end]
    return Row(
        time=write(slot),
        cells=tuple("" if value is None else plan.axis.text(value) for value in values),
        words=slot.words,
        marks=", ".join(shown),
        url=slot.url,
        x=x,
        ys=" ".join("" if y is None else str(y) for y in ys).rstrip(),
    )


def _label(plan: Plan, write: Callable[[Slot], str]) -> str:
    """Say what the chart shows: how each line runs, its extremes and its last value."""
    told = "; ".join(filter(None, (_told(plan, line, write) for line in plan.lines)))
    return f"{plan.title}: {told}" if told else f"{plan.title}: nothing"


def _told(plan: Plan, line: Line, write: Callable[[Slot], str]) -> str:
    known = [
        (value, slot)
        for value, slot in zip(line.values, plan.slots, strict=True)
        if value is not None
    ]
    if not known:
        return ""
    low, high = min(known, key=lambda one: one[0]), max(known, key=lambda one: one[0])
    text = plan.axis.text
    if low[0] == high[0]:
        return f"{line.label} {text(low[0])} throughout"
    return (
        f"{line.label} {_shape([value for value, _ in known])},"
        f" lowest {text(low[0])} at {write(low[1])}, highest {text(high[0])} at {write(high[1])},"
        f" last {text(known[-1][0])}"
    )


def _shape(values: Sequence[float]) -> str:
    third = max(1, len(values) // 3)
    first, last = sum(values[:third]) / third, sum(values[-third:]) / third
    if abs(last - first) <= _TREND * max(abs(first), abs(last)):
        return "steady"
    return "rising" if last > first else "falling"
