"""The chart of a flow's recent executions: one bar each, whose height is its duration."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from executions import appearance
from executions.models import Execution
from executions.states import Status
from flows import formatting

BARS = 120
WIDTH, HEIGHT, GROUND = 992, 60, 58
_PITCH = WIDTH / BARS
#: Characters of an exception's message in a bar's title.
_MESSAGE = 120
_HIGHEST, _LOWEST = 44, 4
#: Statuses that the colour of a bar shows well enough; the others carry their icon.
_PLAIN = frozenset({Status.ENDED, Status.RUNNING, Status.QUEUED})


@dataclass(frozen=True, slots=True)
class RecentBar:
    """One execution: its rectangle, tone, icon and title."""

    url: str
    title: str
    tone: str
    icon: str
    hollow: bool
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class RecentChart:
    """The bars with their summary."""

    bars: list[RecentBar]
    #: Icon, tone, words and number of each status.
    statuses: list[tuple[str, str, str, int]]
    median: str
    p95: str
    slowest: str
    since: datetime | None

    @property
    def text(self) -> str:
        """The chart in words."""
        return ", ".join(f"{count} {word.lower()}" for _, _, word, count in self.statuses)


def recent_chart(executions: Sequence[Execution], now: datetime) -> RecentChart:
    """Return the chart of these executions, given oldest first; the newest is at the right end."""
    took = [((e.ended_at or now) - e.started_at).total_seconds() for e in executions]
    ended = sorted(t for t, e in zip(took, executions, strict=True) if e.ended_at)
    # One that took far longer than the others must not flatten them.
    scale = max(_quantile(sorted(took), 0.95) * 1.25, 0.001) if took else 1
    first = BARS - len(executions)
    bars = [
        _bar(execution, seconds, scale, first + n)
        for n, (execution, seconds) in enumerate(zip(executions, took, strict=True))
    ]
    counted = Counter((Status(e.status), e.unhandled) for e in executions)
    return RecentChart(
        bars=bars,
        statuses=[
            (
                appearance.icon_name(s, unhandled=u),
                appearance.css_class(s, unhandled=u),
                appearance.label(s, unhandled=u),
                n,
            )
            for (s, u), n in counted.most_common()
        ],
        median=formatting.duration(_quantile(ended, 0.5)) if ended else "",
        p95=formatting.duration(_quantile(ended, 0.95)) if ended else "",
        slowest=formatting.duration(ended[-1]) if ended else "",
        since=executions[0].started_at if executions else None,
    )


def _bar(execution: Execution, seconds: float, scale: float, slot: int) -> RecentBar:
    height = max(_LOWEST, min(_HIGHEST, _HIGHEST * seconds / scale))
    status = Status(execution.status)
    unhandled = execution.unhandled
    word = appearance.label(
        execution.status, execution.place, execution.reason, unhandled=unhandled
    )
    error = f", {_error(execution)}" if execution.error_type else ""
    length = formatting.duration(timedelta(seconds=seconds))
    return RecentBar(
        url=execution.get_absolute_url(),
        title=f"{word}{error}: {length}, started {formatting.full(execution.started_at)}",
        tone=appearance.css_class(execution.status, unhandled=unhandled),
        icon=""
        if status in _PLAIN and not unhandled
        else appearance.icon_name(status, execution.place, unhandled=unhandled),
        hollow=not status.is_terminal,
        x=round(slot * _PITCH, 1),
        y=round(GROUND - height, 1),
        height=round(height, 1),
    )


def _error(execution: Execution) -> str:
    if not execution.error_message:
        return execution.error_type
    return f"{execution.error_message[:_MESSAGE]} ({execution.error_type})"


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
