"""What the templates of an overview show: its numbers as charts, words and addresses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.urls import reverse
from django.utils import timezone

from executions.charts import scales, strips
from executions.charts.lines import Chart, Line, Mark, Plan, Slot, draw, time_writer
from executions.charts.strips import Bars, HeatStrip, Part, Sparkline
from executions.models import FailureGroup
from executions.overview import sentence
from executions.overview.figures import (
    FailureFigures,
    Figures,
    FlowFigures,
    failing_since,
)
from executions.overview.scope import COMPARISONS, Scope, ended, within
from executions.overview.sentence import FAILING, Failing, Situation, Unowned
from executions.states import Status
from executions.statistics.counts import Counts
from executions.statistics.read import Bucket
from executions.statistics.spans import Span
from executions.workers import Worker
from flows.formatting import clock, duration, offset

#: A number that is so much more or less than another one is not as before.
_SAME = 0.05
#: The part of all failures of which it is said how few groups made them.
_MOST = 0.8
#: From this part of failed executions on, a flow's number is red.
BAD = FAILING


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


def of(scope: Scope, figures: Figures, zone: tzinfo) -> dict[str, Any]:
    """Return the context of the templates."""
    return {
        "scope": scope,
        "figures": figures,
        "length": scope.length,
        "title": title_of(scope),
        "comparison": COMPARISONS.get(scope.compare, ""),
        "sentence": sentence.write(_situation(scope, figures, zone)),
        "tiles": _tiles(scope, figures, zone),
        "charts": _charts(scope, figures, zone),
        "workers": [_worker(worker) for worker in figures.workers or ()],
        "queues": _queues(scope, figures),
        "slots": sum(worker.slots for worker in figures.online),
        "busy": sum(worker.busy for worker in figures.online),
        "flows": [_flow_row(scope, flow, zone) for flow in figures.flows],
        "flow_times": _times_of_parts(figures, zone),
        "failures": [_failure_row(scope, one, figures.span) for one in figures.failures.shown],
        "open_failures": sum(
            figures.failures.by_state.get(state, 0) for state in FailureGroup.UNSOLVED
        ),
        "muted_failures": figures.failures.by_state.get(FailureGroup.State.MUTED, 0),
        "last_failure": figures.failures.last,
    }


def title_of(scope: Scope) -> str:
    """Return what a wall is about: the values of its filters."""
    chosen = [value for term in scope.filters.terms for value in term.values]
    return ", ".join(chosen) or ("All flows" if scope.seen is None else "Your flows")


# The sentence ------------------------------------------------------------------------------------


def _situation(scope: Scope, figures: Figures, zone: tzinfo) -> Situation:
    waits = figures.live.oldest_queued
    seconds = (figures.at - waits).total_seconds() if waits else 0.0
    unowned = [one.group for one in figures.failures.shown if one.group.owner_id is None]
    last = figures.failures.last_at
    return Situation(
        span=scope.length.words,
        ended=figures.total.ended,
        failed=figures.total.failed,
        queued=figures.live.number(Status.QUEUED),
        needs_person=figures.live.number(Status.PAUSED, Status.EXCEPTION),
        unowned=[_unowned(group) for group in unowned[:2]],
        unowned_count=figures.failures.without_owner,
        failing=[one for flow in figures.flows if (one := _failing(scope, figures, flow, zone))],
        tells_of_workers=scope.tells_of_workers,
        online=None if figures.workers is None else len(figures.online),
        silent=[worker.name for worker in figures.silent],
        waits=seconds,
        waits_words=_whole_minutes(seconds),
        last_failure=_day_and_time(last, figures.at, zone) if last else "",
        url_of_workers=reverse("workers"),
        url_of_queue=scope.grid(("status", Status.QUEUED.value)),
    )


def _whole_minutes(seconds: float) -> str:
    """Return a wait that changes seldom."""
    minutes = int(seconds // 60)
    return (
        "a minute"
        if minutes < 2
        else f"{minutes} minutes"
        if minutes < 120
        else f"{minutes // 60} hours"
    )


def _unowned(group: FailureGroup) -> Unowned:
    came_back = group.state == FailureGroup.State.REGRESSED
    version = (group.regressed_in_version or 0) if came_back else 0
    name = f"{group.short_type} in {group.flow.name}"
    return Unowned(name, group.get_absolute_url(), version)


def _failing(scope: Scope, figures: Figures, flow: FlowFigures, zone: tzinfo) -> Failing | None:
    found = failing_since(flow, FAILING)
    if found is None:
        return None
    since, counts = found
    url = scope.grid(("is", "failed"), ("ended", within(since, figures.span.end)), flow=flow.name)
    by_themselves = counts.ended - counts.stopped
    told = _day_and_time(since, figures.at, zone)
    return Failing(flow.name, url, counts.failed, by_themselves, told)


def _day_and_time(at: datetime, now: datetime, zone: tzinfo) -> str:
    """Return a moment as people say it: `16:20`, `Friday 16:20`, `14 Jul 16:20`."""
    told, today = at.astimezone(zone), now.astimezone(zone)
    days = (today.date() - told.date()).days
    day = "" if not days else f"{told:%A} " if days < 7 else f"{told.day} {told:%b} "
    return f"{day}{told:%H:%M}"


# Tiles -------------------------------------------------------------------------------------------


def _tiles(scope: Scope, figures: Figures, zone: tzinfo) -> list[Tile]:
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
        peak = f"peak {most.running:,} at {_day_and_time(most.most_running_at, figures.at, zone)}"
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
            *_number(paused + thrown),
            url=scope.grid(*statuses),
            detail="" if person else "none paused",
            parts=person,
            **_lines([*course("needs_person"), paused + thrown]),
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
        **_lines([_quantile(one, "waits") for one in figures.buckets]),
    )


def _pair(key: str, value: str) -> str:
    return f"{key}={value.replace('>', '%3E').replace('=', '%3D')}"


def _ended_tile(scope: Scope, figures: Figures) -> Tile:
    span, total = scope.length.label, figures.total.ended
    rate = f"{_hourly(total, figures.span)} / h"
    if scope.compare:
        rate = _difference(
            total, figures.total_before.ended, COMPARISONS[scope.compare], lambda n: f"{n:,.0f}"
        )
    return Tile(
        *("ended", "ended", "st-ended", f"Ended, {span}", "Ended"),
        *_number(total),
        url=scope.grid(ended(figures.span)),
        detail=rate,
        **_lines([_ended(bucket) for bucket in figures.buckets]),
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
        **_lines([_failed(bucket) for bucket in figures.buckets]),
    )


def _number(number: int) -> tuple[str, str]:
    return f"{number:,}", scales.compact(number) if number >= 10_000 else f"{number:,}"


def _lines(values: Sequence[float | None]) -> dict[str, Any]:
    return {
        "line": strips.sparkline(values),
        "wall_line": strips.sparkline(values, width=72, height=44),
    }


def _hourly(number: int, span: Span) -> str:
    hours = (span.end - span.start).total_seconds() / 3600
    rate = number / hours
    return f"{rate:,.0f}" if rate >= 10 or not rate else f"{rate:.1f}"


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


# Charts ------------------------------------------------------------------------------------------


def _ended(bucket: Bucket) -> float | None:
    return None if bucket.counts is None else bucket.counts.ended


def _failed(bucket: Bucket) -> float | None:
    return None if bucket.counts is None else bucket.counts.failed


def _well(bucket: Bucket) -> float | None:
    return None if bucket.counts is None else bucket.counts.ended - bucket.counts.failed


def _success(bucket: Bucket) -> float | None:
    rate = bucket.counts.failure_rate if bucket.counts is not None else None
    return None if rate is None else 100 * (1 - rate)


def _quantile(bucket: Bucket, name: str, part: float = 0.95) -> float | None:
    if bucket.counts is None:
        return None
    found: float | None = getattr(bucket.counts, name).quantile(part)
    return found


def _words(counts: Counts | None) -> str:
    if counts is None or not counts.ended:
        return "nothing ended"
    return f"{counts.failed:,} of {counts.ended:,} failed"


def _charts(scope: Scope, figures: Figures, zone: tzinfo) -> list[dict[str, Any]]:
    """Return throughput, success rate and duration, each with its number of the whole span."""
    slots = [
        Slot(
            one.start,
            one.end,
            _words(one.counts),
            scope.grid(("ended", within(one.start, one.end))),
        )
        for one in figures.buckets
    ]
    marks = [
        Mark(one.published_at, f"{one.flow.name} v{one.number}")
        for one in figures.versions
        if one.published_at is not None
    ]
    total = figures.total
    rate = total.failure_rate
    p95 = total.durations.quantile(0.95)
    throughput = [
        Line("ended", [_well(one) for one in figures.buckets], "st-running"),
        Line("failed", [_failed(one) for one in figures.buckets], "st-error", stacked=True),
        *_then(scope, figures, _ended),
    ]
    success = [
        Line("succeeded", [_success(one) for one in figures.buckets], "st-ended"),
        *_then(scope, figures, _success),
    ]
    durations = [
        Line("p95", [_quantile(one, "durations") for one in figures.buckets], "secondary"),
        Line(
            "p50",
            [_quantile(one, "durations", 0.5) for one in figures.buckets],
            "muted",
            dashed=True,
        ),
        *_then(scope, figures, lambda one: _quantile(one, "durations"), "p95 "),
    ]

    def plan(key: str, title: str, lines: list[Line], axis: scales.Axis) -> Chart:
        return draw(
            Plan(key=key, title=title, slots=slots, lines=lines, axis=axis, zone=zone, marks=marks)
        )

    every_end = [_ended(one) for one in figures.buckets]
    then = [value for line in throughput[2:] for value in line.values]
    grid = scope.grid(ended(figures.span))
    return [
        {
            "chart": plan(
                "throughput", "Throughput", throughput, scales.counts([*every_end, *then])
            ),
            "value": f"{_hourly(total.ended, figures.span)} / h",
            "url": grid,
        },
        {
            "chart": plan(
                "success", "Success rate", success, scales.percentages(_all_values(success))
            ),
            "value": scales.percent(100 * (1 - rate)) if rate is not None else "–",
            "url": scope.grid(("is", "failed"), ended(figures.span)),
        },
        {
            "chart": plan(
                "duration",
                "Duration",
                durations,
                scales.durations(_all_values(durations), duration),
            ),
            "value": duration(p95) if p95 is not None else "–",
            "url": grid,
        },
    ]


def _all_values(lines: Sequence[Line]) -> list[float | None]:
    return [value for line in lines for value in line.values]


def _then(
    scope: Scope, figures: Figures, value: Callable[[Bucket], float | None], prefix: str = ""
) -> list[Line]:
    """Return the line of what the span is compared with, if it is. A clock that was changed between
    gives it other buckets; what is beyond is left out."""
    if figures.before is None:
        return []
    then = [value(bucket) for bucket in figures.before][: len(figures.buckets)]
    then += [None] * (len(figures.buckets) - len(then))
    return [Line(f"{prefix}{COMPARISONS[scope.compare]}", then, "muted", dashed=True)]


# Workers and queues ------------------------------------------------------------------------------


def _worker(worker: Worker) -> dict[str, Any]:
    part = worker.busy / worker.slots if worker.slots else 0.0
    height = round(28 * min(1.0, part), 1)
    state = f"{worker.busy} of {worker.slots} slots busy"
    since = datetime.fromtimestamp(worker.seen_at, timezone.get_current_timezone())
    if worker.is_silent:
        state = f"silent since {clock(since)}"
    return {
        "name": worker.name,
        "short": worker.name.partition("@")[2] or worker.name,
        "is_silent": worker.is_silent,
        "since": since,
        "title": f"{worker.name}: {state}",
        "url": reverse("worker", args=[worker.name]),
        "top": 28 - height,
        "height": height,
    }


def _queues(scope: Scope, figures: Figures) -> list[dict[str, Any]]:
    slots = sum(worker.slots for worker in figures.online)
    longest = max([slots, 1, *(queue.length for queue in figures.queues)])
    urls = {
        "executions": f"{reverse('executions')}?status={Status.QUEUED.value}",
        "bulk jobs": reverse("bulk-jobs"),
    }
    return [
        {
            "name": queue.name,
            "length": queue.length,
            "part": round(100 * queue.length / longest, 1),
            "since": queue.since,
            "url": urls[queue.name],
        }
        for queue in figures.queues
    ]


# Flows and failures ------------------------------------------------------------------------------


def _flow_row(scope: Scope, flow: FlowFigures, zone: tzinfo) -> dict[str, Any]:
    counts, rate = flow.counts, flow.counts.failure_rate
    span = Span(flow.parts[0].start, flow.parts[-1].end)
    return {
        "name": flow.name,
        "url": reverse("flow", args=[flow.name]),
        "runs": counts.ended,
        "runs_url": scope.grid(ended(span), flow=flow.name),
        "failed": scales.percent(100 * rate) if rate is not None else "–",
        "failed_title": _words(counts),
        "failed_url": scope.grid(("is", "failed"), ended(span), flow=flow.name),
        "is_bad": rate is not None and rate >= BAD,
        "p95": duration(counts.durations.quantile(0.95)) or "–",
        "strip": heat_of(scope, flow, zone),
        "bars": bars_of(flow.parts),
    }


def heat_of(scope: Scope, flow: FlowFigures, zone: tzinfo) -> HeatStrip:
    """Return the heat strip of a flow."""
    write = time_writer([Slot(one.start, one.end) for one in flow.parts], zone)
    parts = []
    for one in flow.parts:
        counts = one.counts
        rate = counts.failure_rate if counts is not None else None
        url = ""
        if counts is not None and counts.ended:
            more = [("is", "failed")] if counts.failed else []
            url = scope.grid(*more, ("ended", within(one.start, one.end)), flow=flow.name)
        parts.append(Part(rate, write(Slot(one.start, one.end)), _words(counts), url))
    return strips.heat_strip(flow.name, flow.counts.failure_rate, parts)


def bars_of(parts: Sequence[Bucket]) -> Bars:
    """Return how much ended in each part of a span, as bars."""
    return strips.bars([_ended(part) for part in parts])


def _times_of_parts(figures: Figures, zone: tzinfo) -> list[tuple[float, str, str]]:
    """Return the times above the heat strips: where in percent, which, and its anchor."""
    if not figures.flows:
        return []
    parts = figures.flows[0].parts
    start, end = parts[0].start, parts[-1].end
    days = (end - start).total_seconds() > 2 * 86_400
    found: list[tuple[float, str, str]] = []
    for quarter in range(4):
        at = (start + (end - start) * quarter / 4).astimezone(zone)
        text = f"{at.day} {at:%b}" if days else f"{at:%H:%M}"
        found.append((25.0 * quarter, text, "start"))
    return [*found, (100.0, "now", "end")]


def _failure_row(scope: Scope, failure: FailureFigures, span: Span) -> dict[str, Any]:
    group = failure.group
    values = [_failed(part) for part in failure.parts]
    return {
        "group": group,
        "url": group.get_absolute_url(),
        "count": failure.count,
        "count_url": f"{reverse('executions')}?failure={group.pk}&is=failed&{_range(span)}",
        "line": strips.sparkline([value or 0 for value in values], width=80, height=18),
        "wall_line": strips.sparkline([value or 0 for value in values], width=110, height=28),
        "flow_url": reverse("flow", args=[group.flow.name]),
    }


def _range(span: Span) -> str:
    key, value = ended(span)
    return f"{key}={value.replace(':', '%3A')}"


def zone_words(now: datetime, zone: str) -> str:
    """Return a zone with its offset, for the wall."""
    return f"{zone} {offset(timezone.localtime(now))}"
