"""A flow has had no successful execution for too long."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from executions.alerts import visibility
from executions.alerts.flow_findings import flow_finding
from executions.alerts.kind import HISTORY, HISTORY_FLOWS, Check, Found, Interval, Kind, Parameter
from executions.statistics import read
from executions.statistics.spans import Span

#: A flow that has had none for so long is one that nobody uses, unless the rule names it.
_USED = timedelta(days=30)


def sentence(given: Mapping[str, int]) -> str:
    return f"a flow has had no successful execution for {given['hours']:,} h"


def _flows(asked: Check) -> list[int]:
    """Return the flows of which a success is expected."""
    if asked.rule.flow_id is not None:
        return [asked.rule.flow_id]
    used = max(_USED, 2 * _length(asked))
    return [pk for pk, one in asked.numbers(used).items() if one.succeeded]


def _length(asked: Check) -> timedelta:
    return timedelta(hours=asked.number("hours"))


def check(asked: Check) -> Found:
    # A flow that a rule names may never have run: it has the time from then on.
    if asked.rule.flow_id is not None and asked.now - asked.rule.since < _length(asked):
        return Found()
    flows = _flows(asked)
    lately = asked.numbers(_length(asked))
    without = [pk for pk in flows if pk not in lately or not lately[pk].succeeded]
    return Found.of(
        flow_finding(
            asked,
            pk,
            f"no successful execution in {asked.number('hours'):,} h"
            + (f", {lately[pk].failed:,} failed" if pk in lately and lately[pk].failed else ""),
        )
        for pk in sorted(without, key=asked.flow_name)
    )


def history(asked: Check) -> list[Interval]:
    length = _length(asked)
    span = Span(asked.now - HISTORY - length, asked.now)
    flows = _flows(asked)[:HISTORY_FLOWS]
    series = read.series_by_flow(span, "hour", UTC, read.Selection(flows=flows))
    found = []
    for pk in flows:
        last = span.start
        for bucket in [*series.get(pk, ()), None]:
            if bucket is not None and not (bucket.counts and bucket.counts.succeeded):
                continue
            again = asked.now if bucket is None else bucket.start
            if again - last > length:
                found.append(_interval(last + length, again, asked))
            last = again if bucket is None else bucket.end
    return [one for one in found if one[1] is None or one[1] > asked.history.start]


def _interval(start: datetime, end: datetime, asked: Check) -> Interval:
    return start, None if end >= asked.now else end


KIND = Kind(
    name="no-success",
    label="A flow had no successful execution for too long",
    icon="nav-flow",
    parameters=(Parameter(name="hours", label="For this many hours", default=24, most=720),),
    sentence=sentence,
    check=check,
    history=history,
    visible=visibility.everything,
)
