"""The tiles of an overview: a number each, with its course and where it leads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from executions.charts import scales, strips
from executions.charts.strips import Sparkline
from executions.overview.figures import Figures
from executions.overview.scope import COMPARISONS, Scope, ended, within
from executions.overview.values import day_and_time, ended_in, failed_in, hourly, quantile_in
from executions.states import Reason, Status
from flows.formatting import duration

#: A number that is so much more or less than another one is not as before.
_SAME = 0.05
#: The part of all failures of which it is said how few groups made them.
_MOST = 0.8


@dataclass(frozen=True, slots=True)
class Tile:
    """A number with what it means, its course, and where it leads. `parts` are further numbers
    with addresses of their own."""

    name: str
    icon: str
    tone: str
    label: str
    short: str
    value: str
    compact: str
    url: str
    detail: str = ""
    #: Since when something has waited, which the browser counts on.
    since: datetime | None = None
    parts: Sequence[tuple[str, str]] = ()
    line: Sparkline | None = None
    wall_line: Sparkline | None = None


def tiles(scope: Scope, figures: Figures, zone: tzinfo) -> list[Tile]:
    """Return the tiles of an overview, in order."""
    return [
        *_tiles_of_now(scope, figures, zone),
        _wait_tile(scope, figures),
        _ended_tile(scope, figures),
        _failed_tile(scope, figures),
    ]


def _tiles_of_now(scope: Scope, figures: Figures, zone: tzinfo) -> list[Tile]:
    live, sampled = figures.live, figures.sampled
    running, queued = live.number(Status.RUNNING), live.number(Status.QUEUED)
    paused, thrown = live.number(Status.PAUSED), live.number(Status.EXCEPTION)
    most = figures.most_running
    peak = ""
    if most is not None and most.running > running:
        peak = f"peak {most.running:,} at {day_and_time(most.most_running_at, figures.at, zone)}"
    elif running:
        peak = f"the most in the {scope.length.words}"
    waits = live.oldest_queued
    person = [
        (f"{number:,} {word}", scope.grid(("status", status.value)))
        for number, word, status in (
            (paused, "paused", Status.PAUSED),
            (thrown, "exceptions" if thrown != 1 else "exception", Status.EXCEPTION),
        )
        if number
    ]
    if live.asked:
        words = "question" if live.asked == 1 else "questions"
        url = scope.grid(("waiting", Reason.PERSON.value))
        person.append((f"{live.asked:,} {words}", url))

    def course(name: str) -> list[float | None]:
        return [None if one is None else getattr(one, name) for one in sampled]

    statuses = [("status", Status.PAUSED.value), ("status", Status.EXCEPTION.value)]
    return [
        Tile(
            *("running", "running", "st-running", "Running now", "Running"),
            *_number(running),
            url=scope.grid(("status", Status.RUNNING.value)),
            detail=peak or "nothing runs",
            **_lines([*course("running"), running]),
        ),
        Tile(
            *("queued", "clock", "muted", "Queued", "Queued"),
            *_number(queued),
            url=scope.grid(("status", Status.QUEUED.value)),
            detail="oldest waits" if waits else "nothing waits",
            since=waits,
            **_lines([*course("queued"), queued]),
        ),
        Tile(
            *("person", "paused", "st-paused", "Needs a person", "Needs a person"),
            *_number(live.needs_person),
            url=scope.grid(*statuses) if paused + thrown or not person else person[0][1],
            detail="" if person else "none paused",
            parts=person,
            **_lines([*course("needs_person"), live.needs_person]),
        ),
    ]


def _wait_tile(scope: Scope, figures: Figures) -> Tile:
    wait = figures.total.waits.quantile(0.95)
    before = figures.total_before.waits.quantile(0.95)
    told = duration(wait) if wait is not None else "–"
    name = COMPARISONS.get(scope.compare or "week", "")
    url = scope.grid(("claimed", within(figures.span.start, figures.span.end)))
    if wait is not None:
        longer = f">={max(0, int(wait * 1000))}ms"
        url += "&" + _pair("wait", longer)
    return Tile(
        *("wait", "hour", "muted", "Wait to start, p95", "Wait, p95"),
        *(told, told),
        url=url,
        detail=_difference(wait, before, name, duration),
        **_lines([quantile_in(one, "waits") for one in figures.buckets]),
    )


def _pair(key: str, value: str) -> str:
    return f"{key}={value.replace('>', '%3E').replace('=', '%3D')}"


def _ended_tile(scope: Scope, figures: Figures) -> Tile:
    span, total = scope.length.label, figures.total.ended
    rate = f"{hourly(total, figures.span)} / h"
    if scope.compare:
        rate = _difference(
            total, figures.total_before.ended, COMPARISONS[scope.compare], lambda n: f"{n:,.0f}"
        )
    return Tile(
        *("ended", "ended", "st-ended", f"Ended, {span}", "Ended"),
        *_number(total),
        url=scope.grid(ended(figures.span)),
        detail=rate,
        **_lines([ended_in(bucket) for bucket in figures.buckets]),
    )


def _failed_tile(scope: Scope, figures: Figures) -> Tile:
    span, failed = scope.length.label, figures.total.failed
    detail = _by_groups(figures.failures.counts) or "none failed"
    if scope.compare:
        detail = _difference(
            failed, figures.total_before.failed, COMPARISONS[scope.compare], lambda n: f"{n:,.0f}"
        )
    return Tile(
        *("failed", "error", "st-error", f"Failed, {span}", "Failed"),
        *_number(failed),
        url=scope.grid(("is", "failed"), ended(figures.span)),
        detail=detail,
        **_lines([failed_in(bucket) for bucket in figures.buckets]),
    )


def _number(number: int) -> tuple[str, str]:
    return f"{number:,}", scales.compact(number) if number >= 10_000 else f"{number:,}"


def _lines(values: Sequence[float | None]) -> dict[str, Any]:
    return {
        "line": strips.sparkline(values),
        "wall_line": strips.sparkline(values, width=72, height=44),
    }


def _difference(
    now: float | None, before: float | None, name: str, write: Callable[[float], str]
) -> str:
    """Say how a number differs from that of another span."""
    if now is None or before is None:
        return f"nothing {name}" if before is None and now is not None else ""
    if abs(now - before) <= _SAME * max(now, before):
        return f"as {name}"
    way = "above" if now > before else "below"
    return f"{write(abs(now - before))} {way} {name}"


def _by_groups(counts: Sequence[int]) -> str:
    """Say how few failure groups made most of the failures; `counts` begins with the largest."""
    total, reached = sum(counts), 0
    for number, count in enumerate(counts, 1):
        reached += count
        if reached >= _MOST * total:
            part = 100 * reached // total
            return f"{number} group{'' if number == 1 else 's'} made {part} %"
    return ""
