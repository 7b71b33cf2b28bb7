"""A failure is seen more often than a number of times within some minutes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from executions.alerts import visibility
from executions.alerts.failure_findings import finding_of
from executions.alerts.kind import HISTORY, Check, Found, Interval, Kind, Parameter
from executions.models import FailureGroup
from executions.statistics import read

#: Failures whose past is read.
_READ = 20
#: Steps that a window of the past has.
_STEPS = 4


def sentence(given: Mapping[str, int]) -> str:
    return f"a failure is seen more than {given['times']:,} times in {given['minutes']:,} minutes"


def _beyond(asked: Check, length: timedelta) -> dict[str, int]:
    """Return how often each failure was seen that was seen too often, by id."""
    least = asked.number("times")
    return {str(pk): times for pk, times in asked.round.failures(length).items() if times > least}


def check(asked: Check) -> Found:
    beyond = _beyond(asked, asked.minutes("minutes"))
    if not beyond:
        return Found()
    groups = FailureGroup.objects.filter(
        pk__in=list(beyond), state__in=FailureGroup.UNSOLVED, **asked.flow_filter
    ).select_related("flow")
    found = sorted(groups, key=lambda group: -beyond[str(group.pk)])
    minutes = asked.number("minutes")
    return Found.of(
        finding_of(group, f"was seen {beyond[str(group.pk)]:,} times in {minutes:,} minutes")
        for group in found
    )


def history(asked: Check) -> list[Interval]:
    beyond = _beyond(asked, HISTORY)
    groups = FailureGroup.objects.filter(pk__in=list(beyond), **asked.flow_filter)
    worst = sorted(groups.values_list("pk", flat=True), key=lambda pk: -beyond[str(pk)])
    step = max(5, min(24 * 60, asked.number("minutes") // _STEPS))
    return [
        interval
        for pk in islice(worst, _READ)
        for interval in windows(
            read.failure_series(pk, asked.history, step, UTC),
            asked.minutes("minutes"),
            asked.number("times"),
        )
    ]


def windows(series: Sequence[read.Bucket], length: timedelta, most: int) -> list[Interval]:
    """Return when more failures than `most` had happened within `length`."""
    found: list[Interval] = []
    first, total = 0, 0
    began: datetime | None = None
    for bucket in series:
        total += bucket.counts.failed if bucket.counts else 0
        while series[first].start < bucket.end - length:
            out = series[first].counts
            total -= out.failed if out else 0
            first += 1
        if total > most and began is None:
            began = bucket.start
        elif total <= most and began is not None:
            found.append((began, bucket.start))
            began = None
    return found if began is None else [*found, (began, None)]


KIND = Kind(
    name="failure-count",
    label="A failure is seen often",
    icon="warn",
    parameters=(
        Parameter(name="times", label="More than this many times", default=100),
        Parameter(name="minutes", label="Within this many minutes", default=60, most=10_080),
    ),
    sentence=sentence,
    check=check,
    history=history,
    visible=visibility.failures,
)
