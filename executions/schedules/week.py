"""The strip of a week: how many executions start in each hour of each day."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from executions.models import Schedule
from executions.schedules import timing
from executions.schedules.cron import CronError
from executions.schedules.excluded import CalendarError

#: Schedules whose times are planned; of more, the first ones count.
PLANNED = 1_000
#: Times of a schedule that are planned: a week of every five minutes. What starts more often is
#: planned for less than a week.
_MOST_TIMES = 2_100
HEIGHT = 38

_STARTED = """
    SELECT date_trunc('hour', scheduled_at AT TIME ZONE %(zone)s),
        count(*) FILTER (WHERE schedule_id = %(selected)s), count(*)
    FROM executions_schedulerun
    WHERE scheduled_at >= %(start)s AND scheduled_at < %(end)s AND outcome = %(started)s
        AND schedule_id = ANY(%(ids)s)
    GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour: x, and the heights of the chosen schedule's starts and of all."""

    x: float
    chosen_y: float
    chosen: float
    y: float
    height: float
    is_past: bool


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the strip."""

    day: date
    total: int
    bars: list[Bar]
    is_today: bool
    #: Where the present is, of 96.
    now: float | None


def strip(
    schedules: Iterable[Schedule], selected: int | None, weeks: int, zone: ZoneInfo
) -> list[Day]:
    """Return the seven days of a week from Monday on; `weeks` from the present one."""
    now = timezone.now().astimezone(zone)
    monday = now.date() - timedelta(days=now.weekday()) + weeks * timedelta(weeks=1)
    start = datetime.combine(monday, time(), zone)
    end = datetime.combine(monday + timedelta(days=7), time(), zone)
    listed = list(schedules)
    chosen: dict[tuple[date, int], int] = defaultdict(int)
    every: dict[tuple[date, int], int] = defaultdict(int)
    for hour, of_chosen, of_all in _started(listed, selected, start, end, zone):
        chosen[hour.date(), hour.hour] += of_chosen
        every[hour.date(), hour.hour] += of_all
    if end > now:
        for schedule in listed[:PLANNED]:
            for key, number in starts_by_hour(schedule, max(start, now), end, zone).items():
                every[key] += number
                if schedule.pk == selected:
                    chosen[key] += number
    days = [monday + timedelta(days=number) for number in range(7)]
    most = max(every.values(), default=0) or 1
    return [_day(day, chosen, every, most, now) for day in days]


def _started(
    schedules: list[Schedule], selected: int | None, start: datetime, end: datetime, zone: ZoneInfo
) -> list[tuple[datetime, int, int]]:
    params: dict[str, Any] = {
        "zone": zone.key,
        "selected": selected or 0,
        "start": start,
        "end": end,
        "started": "started",
        "ids": [one.pk for one in schedules],
    }
    with connection.cursor() as cursor:
        cursor.execute(_STARTED, params)
        return list(cursor.fetchall())


def starts_by_hour(
    schedule: Schedule, start: datetime, end: datetime, zone: ZoneInfo
) -> Mapping[tuple[date, int], int]:
    """Return how often a schedule is due in each hour of a span."""
    if not schedule.is_on:
        return {}
    minute = start.replace(second=0, microsecond=0, minute=start.minute // 10 * 10)
    return _planned(Key(schedule), minute, end, zone.key)


class Key:
    """A schedule as a key of the cache: equal while its times are the same."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self._key = (schedule.pk, schedule.revision, schedule.cron, schedule.zone)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self._key == other._key


@lru_cache(maxsize=2 * PLANNED)
def _planned(key: Key, start: datetime, end: datetime, zone: str) -> Mapping[tuple[date, int], int]:
    try:
        table = timing.timetable(key.schedule)
    except (CronError, CalendarError):
        return {}
    found: dict[tuple[date, int], int] = defaultdict(int)
    in_zone = ZoneInfo(zone)
    for at in islice(table.between(start, end), _MOST_TIMES):
        local = at.astimezone(in_zone)
        found[local.date(), local.hour] += 1
    return found


def _day(
    day: date,
    chosen: Mapping[tuple[date, int], int],
    every: Mapping[tuple[date, int], int],
    most: int,
    now: datetime,
) -> Day:
    bars = []
    for hour in range(24):
        of_all, of_chosen = every.get((day, hour), 0), chosen.get((day, hour), 0)
        full, part = (round(HEIGHT * number / most, 2) for number in (of_all, of_chosen))
        others = full - part
        is_past = (day, hour) < (now.date(), now.hour)
        bars.append(Bar(hour * 4, HEIGHT - full, part, HEIGHT - others, others, is_past))
    at = round((now.hour + now.minute / 60) * 4, 1) if day == now.date() else None
    total = sum(every.get((day, hour), 0) for hour in range(24))
    return Day(day, total, bars, day == now.date(), at)
