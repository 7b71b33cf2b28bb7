"""When a schedule is due: a cron expression by the clocks of a time zone.

Pure. Clocks skip times when they go forward, and show times twice when they go back:

- a time that is skipped counts as the end of the gap, so it starts once, right after it;
- a time that comes twice counts once, the first time. An expression for every hour names both:
  what starts every five minutes goes on doing so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import takewhile
from zoneinfo import ZoneInfo

from executions.schedules.cron import Cron

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
#: Excluded times in a row after which there is no next one.
_MOST_EXCLUDED = 4_000


def _never(_: date) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Timetable:
    """An expression in a zone, from one day to another, without the excluded days."""

    cron: Cron
    zone: ZoneInfo
    starts_on: date | None = None
    ends_on: date | None = None
    is_excluded: Callable[[date], bool] = _never

    def after(self, moment: datetime) -> datetime | None:
        """Return the first time after a moment at which it is due; None when there is none."""
        return next(self.times(moment), None)

    def times(self, moment: datetime) -> Iterator[datetime]:
        """Yield every time after a moment at which it is due, in UTC."""
        while (found := self._next(moment)) is not None:
            yield found
            moment = found

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the times after `start`, up to `end`."""
        return takewhile(lambda one: one <= end, self.times(start))

    def _next(self, moment: datetime) -> datetime | None:
        local = moment.astimezone(self.zone)
        again = self._second_pass(local, moment) if self.cron.is_every_hour else None
        found = self._first_pass(local.replace(tzinfo=None), moment)
        return min((one for one in (found, again) if one is not None), default=None)

    def _first_pass(self, wall: datetime, moment: datetime) -> datetime | None:
        """Return the next instant, where a time of the clock counts the first time it comes."""
        if self.starts_on is not None and wall.date() < self.starts_on:
            wall = _midnight(self.starts_on) - _SECOND
        for _ in range(_MOST_EXCLUDED):
            for one in self.cron.after(wall):
                if self.ends_on is not None and one.date() > self.ends_on:
                    return None
                if self.is_excluded(one.date()):
                    wall = _midnight(one.date()) + _DAY - _SECOND
                    break
                found = instant(one, self.zone)
                if found > moment:
                    return found
            else:
                return None
        return None

    def _second_pass(self, local: datetime, moment: datetime) -> datetime | None:
        """Return the next instant of the hour that comes twice, where it is that hour."""
        start = _doubled_from(local)
        if start is None:
            return None
        wall = local.replace(tzinfo=None) if local.fold else start - _SECOND
        for one in self.cron.after(wall):
            again = one.replace(tzinfo=self.zone, fold=1)
            if not _is_doubled(again):
                return None
            found = again.astimezone(UTC)
            if found > moment and self._is_in(one.date()):
                return found
        return None

    def _is_in(self, day: date) -> bool:
        is_early = self.starts_on is not None and day < self.starts_on
        is_late = self.ends_on is not None and day > self.ends_on
        return not (is_early or is_late or self.is_excluded(day))


def instant(wall: datetime, zone: tzinfo) -> datetime:
    """Return when clocks show a time for the first time; for one that they skip, when the gap
    ends."""
    local = wall.replace(tzinfo=zone, fold=0)
    found = local.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wall:
        return found
    early = local.replace(fold=1).astimezone(UTC)
    return change_between(early, found, zone)


def change_between(early: datetime, late: datetime, zone: tzinfo) -> datetime:
    """Return the moment between two at which the clocks change."""
    before = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = early + (late - early) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


def next_change(moment: datetime, zone: tzinfo, days: int = 366) -> datetime | None:
    """Return when the clocks change next; None where they do not for so many days."""
    before = moment.astimezone(zone).utcoffset()
    for day in range(1, days + 1):
        late = moment + day * _DAY
        if late.astimezone(zone).utcoffset() != before:
            return change_between(late - _DAY, late, zone)
    return None


def _is_doubled(local: datetime) -> bool:
    first, second = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    return first is not None and second is not None and first > second


def _doubled_from(local: datetime) -> datetime | None:
    """Return from which time of the clock on times come twice, around one that does."""
    if not _is_doubled(local):
        return None
    first, second = local.replace(fold=0), local.replace(fold=1)
    change = change_between(
        first.astimezone(UTC) - _SECOND, second.astimezone(UTC), local.tzinfo or UTC
    )
    return change.astimezone(local.tzinfo).replace(tzinfo=None)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)
