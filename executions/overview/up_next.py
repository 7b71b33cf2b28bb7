"""What schedules start next, for those who see them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from executions.models import Schedule, SchedulePause
from flows.rights import FlowIds

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Coming:
    """The next time of a schedule; `day` is empty for one that is near."""

    schedule: Schedule
    day: str


@dataclass(frozen=True, slots=True)
class UpNext:
    """The next times of some flows' schedules, of how many schedules, and whether all pause."""

    times: list[Coming]
    count: int
    is_paused: bool


def of(flow_ids: Collection[int] | None, planned: FlowIds, zone: tzinfo, now: datetime) -> UpNext:
    """Read what starts next of some flows, among those whose schedules a reader sees; None stands
    for all."""
    schedules = Schedule.objects.all()
    for ids in (flow_ids, planned):
        schedules = schedules if ids is None else schedules.filter(flow__in=ids)
    found = schedules.filter(next_at__isnull=False).select_related("flow").order_by("next_at")
    return UpNext(
        [Coming(one, _day(one.next_at, zone, now)) for one in found[:SHOWN] if one.next_at],
        schedules.count(),
        SchedulePause.objects.filter(is_paused=True).exists(),
    )


def _day(at: datetime, zone: tzinfo, now: datetime) -> str:
    days = (at.astimezone(zone).date() - now.astimezone(zone).date()).days
    if days == 0 or at - now < timedelta(hours=2):
        return ""
    return "tomorrow" if days == 1 else f"{at.astimezone(zone):%-d %b}"
