"""Small charts that stand in a row of a table: sparklines, bars, and heat strips. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from executions.charts.scales import percent

#: Failed in a cell of a heat strip, in percent: below the first of these, the second, and so on.
#: Cells from 5 % on say their number.
LEVELS = (1, 5, 20)
_NUMBERED = 5
#: The side of a cell, and the gap between two.
CELL, GAP = 18, 2


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A line from zero on, with the area below it, in pixels."""

    width: int
    height: int
    stroke: str
    area: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars in pixels, as SVG paths; those of nothing are a hairline."""

    width: int
    height: int
    bars: str
    nothing: str


@dataclass(frozen=True, slots=True)
class Part:
    """What failed in a part of a span: `rate` from 0 to 1, None where nothing ran. `words` say it,
    and `url` leads to it."""

    rate: float | None
    time: str
    words: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A part of a heat strip as it is drawn. `level` is `none`, or 0 to 4."""

    x: int
    level: str
    number: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class HeatStrip:
    """One row of cells, from blue to red, and what it says in words."""

    label: str
    width: int
    height: int
    cells: tuple[Cell, ...]


def sparkline(
    values: Sequence[float | None], width: int = 64, height: int = 26
) -> Sparkline | None:
    """Return a sparkline; None where there is nothing to see, or what is known is less than a
    quarter of the span. What is unknown is left out."""
    known = [(number, value) for number, value in enumerate(values) if value is not None]
    if len(known) < 2 or not any(value for _, value in known):
        return None
    if 4 * (known[-1][0] - known[0][0]) < len(values) - 1:
        return None
    most = max(value for _, value in known)
    scale = width / (len(values) - 1)
    points = [
        (round(number * scale, 1), round(height - 1 - (height - 3) * value / most, 1))
        for number, value in known
    ]
    stroke = "M" + "L".join(f"{x} {y}" for x, y in points)
    return Sparkline(width, height, stroke, f"{stroke}V{height}H{points[0][0]}Z")


def bars(values: Sequence[float | None], width: int = 82, height: int = 16) -> Bars:
    """Return a bar for each value; one that is None or 0 is a hairline."""
    most = max((value for value in values if value), default=0)
    pitch = width / max(1, len(values))
    drawn: list[str] = []
    nothing: list[str] = []
    for number, value in enumerate(values):
        tall = max(1.5, height * value / most) if value else 1.0
        bar = bar_path(number * pitch, height - tall, max(0.5, pitch - 1), tall)
        (drawn if value else nothing).append(bar)
    return Bars(width, height, "".join(drawn), "".join(nothing))


def bar_path(x: float, y: float, width: float, height: float) -> str:
    """Return a bar as a part of an SVG path: one path draws many of them."""
    return f"M{x:.2f} {y:.1f}h{width:.2f}v{height:.1f}h-{width:.2f}z"


def level(rate: float | None) -> str:
    """Return the level of a part of executions that failed: `none` where none ran."""
    if rate is None:
        return "none"
    return str(0 if not rate else 1 + sum(100 * rate >= limit for limit in LEVELS))


def heat_strip(name: str, overall: float | None, parts: Sequence[Part]) -> HeatStrip:
    """Return the heat strip of a flow. `overall` is the part that failed in the whole span."""
    return HeatStrip(
        label=_label(name, overall, parts),
        width=len(parts) * (CELL + GAP) - GAP,
        height=CELL,
        cells=tuple(_cell(number * (CELL + GAP), part) for number, part in enumerate(parts)),
    )


def _cell(x: int, part: Part) -> Cell:
    rate = part.rate
    number = f"{100 * rate:.0f}" if rate is not None and 100 * rate >= _NUMBERED else ""
    # What is written in the cell is a part of its name.
    words = ", ".join(filter(None, [number and f"{number} %", part.words]))
    title = f"{part.time}: {words}" if words else part.time
    return Cell(x, level(rate), number, title, part.url)


def _label(name: str, overall: float | None, parts: Sequence[Part]) -> str:
    if overall is None:
        return f"{name}, nothing ended"
    told = f"{name}, {percent(100 * overall)} failed"
    worst = max(parts, key=lambda part: part.rate or 0.0)
    return f"{told}, worst {percent(100 * worst.rate)} at {worst.time}" if worst.rate else told
