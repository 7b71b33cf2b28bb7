"""Axes: where they end, what they are marked with, and how a value on them reads. Pure."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain

#: Ends of an axis of counts, by its power of ten; half of each is a round number too.
_ROUND = (1, 1.2, 2, 4, 6, 8, 10)
#: Ends of an axis of durations, in seconds.
_DURATIONS = (0.1, 0.2, 0.5, 1, 2, 4, 10, 20, 60, 120, 240, 600, 1200, 3600, 7200, 14_400, 43_200)
_DAY = 86_400
#: Starts of an axis of percentages: the highest below all values.
_PERCENTAGES = (90.0, 50.0, 0.0)
_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


@dataclass(frozen=True, slots=True)
class Axis:
    """The vertical axis of a chart; `text` writes a value in a readout, `tick_text` at the axis."""

    low: float
    high: float
    text: Callable[[float], str]
    tick_text: Callable[[float], str]

    def y(self, value: float) -> float:
        """Return how far below the top a value stands, in percent of the height."""
        part = (value - self.low) / (self.high - self.low)
        return round(100 - 100 * min(1.0, max(0.0, part)), 2)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Return where the axis is marked, in percent from the top, and with what."""
        values = (self.high, (self.low + self.high) / 2, self.low)
        return [(self.y(value), self.tick_text(value)) for value in values]


def counts(values: Iterable[float | None], text: Callable[[float], str] | None = None) -> Axis:
    """An axis from zero to a round number that no value exceeds."""
    most = _most(values)
    power = 10 ** math.floor(math.log10(most)) if most >= 1 else 1
    high = next(step * power for step in (*_ROUND, 20) if step * power >= max(most, 2))
    return Axis(0, high, text or (lambda value: f"{value:,.0f}"), compact)


def durations(values: Iterable[float | None], text: Callable[[float], str]) -> Axis:
    """An axis of seconds, from zero."""
    most = _most(values)
    days = chain(_DURATIONS, (_DAY * 2**n for n in range(12)))
    high = next((one for one in days if one >= most), most)
    return Axis(0, high, text, round_duration)


def percentages(values: Iterable[float | None]) -> Axis:
    """An axis that ends at 100 %, and starts as high as the values let it."""
    least = min((value for value in values if value is not None), default=100.0)
    low = next(start for start in _PERCENTAGES if start <= max(least, 0.0))
    return Axis(low, 100, percent, lambda value: f"{value:.0f} %")


def _most(values: Iterable[float | None]) -> float:
    return max((value for value in values if value is not None), default=0.0)


def compact(number: float) -> str:
    """Return a number in four characters or so: `640`, `1.2k`, `167k`, `2.4M`."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= size * 0.9995:
            shown = number / size
            return (
                f"{shown:.0f}{unit}" if shown >= 99.95 else f"{shown:.1f}".removesuffix(".0") + unit
            )
    return f"{number:.1f}".removesuffix(".0")


def percent(value: float) -> str:
    """Return a percentage: `99.2 %`. Only a whole reads as `100 %`, only nothing as `0 %`."""
    if value in (0, 100):
        return f"{value:.0f} %"
    return f"{min(99.9, max(0.1, value)):.1f} %"


def round_duration(seconds: float) -> str:
    """Return a round duration as an axis is marked with: `30 s`, `2 m`, `1.5 h`, `50 ms`."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.1f}".removesuffix(".0") + f" {unit}"
    return "0 s"
