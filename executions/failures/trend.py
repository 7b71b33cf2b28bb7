"""How often a failure group was seen lately: by hour, with the versions that were published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

from django.db.models import Count
from django.db.models.functions import TruncHour
from django.utils import timezone

from executions import access
from executions.failures import access as failure_access
from executions.failures import versions
from executions.models import FAILED, FailureActivity, FailureGroup
from executions.statistics import read
from executions.statistics.spans import Span, edges

SPAN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Hour:
    """The failures of an hour; `is_current` says that they came after the last repair."""

    start: datetime
    end: datetime
    number: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A version that was published, or by whom the group was resolved."""

    at: datetime
    version: int | None = None
    resolved_by: str = ""


@dataclass(frozen=True, slots=True)
class Trend:
    """The hours of the last days, and what happened in them."""

    hours: Sequence[Hour]
    marks: Sequence[Mark]

    @property
    def most(self) -> int:
        return max((hour.number for hour in self.hours), default=0)

    @property
    def total(self) -> int:
        return sum(hour.number for hour in self.hours)

    @property
    def last(self) -> int:
        return self.hours[-1].number if self.hours else 0


def trend(user: access.User, group: FailureGroup, now: datetime) -> Trend:
    """Return the trend of a group, of the executions that the user sees."""
    zone = timezone.get_current_timezone()
    span = Span.last(SPAN, now)
    repaired_at = _repaired_at(group)
    numbers = _everybodys if failure_access.sees_whole(user, group) else _own
    hours = [
        Hour(start, end, number, repaired_at is None or end > repaired_at)
        for start, end, number in numbers(user, group, span, zone)
    ]
    published = [Mark(at, version) for version, at in _published(group, span)]
    return Trend(hours, sorted([*published, *_resolved(group, span)], key=lambda mark: mark.at))


def _published(group: FailureGroup, span: Span) -> list[tuple[int, datetime]]:
    return versions.published_between(group, span.start, span.end)


def _resolved(group: FailureGroup, span: Span) -> list[Mark]:
    done = FailureActivity.objects.filter(
        group=group, kind="resolve", at__range=(span.start, span.end)
    )
    return [Mark(one.at, one.version, one.actor) for one in done.order_by("id")]


def _repaired_at(group: FailureGroup) -> datetime | None:
    """When the group was resolved last; None when it never was."""
    done = FailureActivity.objects.filter(group=group, kind="resolve").order_by("-id")
    return done.values_list("at", flat=True).first()


def _everybodys(
    user: access.User, group: FailureGroup, span: Span, zone: tzinfo
) -> list[tuple[datetime, datetime, int]]:
    buckets = read.failure_series(group.pk, span, "hour", zone)
    return [(one.start, one.end, one.counts.failed if one.counts else 0) for one in buckets]


def _own(
    user: access.User, group: FailureGroup, span: Span, zone: tzinfo
) -> list[tuple[datetime, datetime, int]]:
    """The executions of somebody who sees only their own."""
    rows = access.visible(user).filter(
        FAILED, failure=group.pk, ended_at__gte=span.start, ended_at__lt=span.end
    )
    by_hour = dict(
        rows.order_by()
        .annotate(hour=TruncHour("ended_at", tzinfo=zone))
        .values_list("hour")
        .annotate(Count("pk"))
    )
    cuts = edges(span, "hour", zone)
    found = []
    for start, end in pairwise(cuts):
        hour = start.astimezone(zone).replace(minute=0, second=0, microsecond=0)
        found.append((start, end, by_hour.get(hour, 0)))
    return found
