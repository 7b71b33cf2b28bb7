"""A larger part of a flow's executions fails than is accepted."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from executions.alerts import visibility
from executions.alerts.flow_findings import flow_finding, worst_flows
from executions.alerts.kind import HISTORY_STEP, Check, Found, Interval, Kind, Parameter
from executions.statistics import read
from executions.statistics.counts import Numbers


def sentence(given: Mapping[str, int]) -> str:
    return (
        f"more than {given['percent']} % of a flow's executions fail over {given['minutes']:,} "
        f"minutes, of {given['runs']:,} at least"
    )


def _exceeds(asked: Check, failed: int, runs: int) -> bool:
    return runs >= asked.number("runs") and failed * 100 > asked.number("percent") * runs


def _runs(counts: Numbers) -> int:
    """How many ended by themselves."""
    return counts.ended - counts.stopped


def check(asked: Check) -> Found:
    flows = asked.numbers(asked.minutes("minutes"))
    bad = {pk: one for pk, one in flows.items() if _exceeds(asked, one.failed, _runs(one))}
    return Found.of(
        flow_finding(
            asked,
            pk,
            f"{bad[pk].failed:,} of {_runs(bad[pk]):,} executions failed "
            f"({100 * (bad[pk].failure_rate or 0):.0f} %) in {asked.number('minutes'):,} minutes",
        )
        for pk in sorted(bad, key=lambda pk: -(bad[pk].failure_rate or 0))
    )


def history(asked: Check) -> list[Interval]:
    flows = worst_flows(asked, lambda counts: counts.failed)
    series = read.series_by_flow(asked.history, HISTORY_STEP, UTC, read.Selection(flows=flows))
    return [one for buckets in series.values() for one in _over(asked, buckets)]


def _over(asked: Check, buckets: list[read.Bucket]) -> list[Interval]:
    """Return when the rate exceeded the limit, by the steps that the minutes cover."""
    size = max(1, -(-asked.number("minutes") // HISTORY_STEP))
    found: list[Interval] = []
    began: datetime | None = None
    failed = [one.counts.failed if one.counts else 0 for one in buckets]
    runs = [_runs(one.counts) if one.counts else 0 for one in buckets]
    for number, bucket in enumerate(buckets):
        window = slice(max(0, number - size + 1), number + 1)
        exceeds = _exceeds(asked, sum(failed[window]), sum(runs[window]))
        if exceeds and began is None:
            began = bucket.start
        elif not exceeds and began is not None:
            found.append((began, bucket.start - timedelta(microseconds=1)))
            began = None
    return found if began is None else [*found, (began, None)]


KIND = Kind(
    name="error-rate",
    label="Many executions of a flow fail",
    icon="error",
    parameters=(
        Parameter(
            name="percent", label="More than this many percent", default=10, least=0, most=99
        ),
        Parameter(name="minutes", label="Over this many minutes", default=60, most=10_080),
        Parameter(name="runs", label="Of at least this many executions", default=10),
    ),
    sentence=sentence,
    check=check,
    history=history,
    visible=visibility.everything,
)
