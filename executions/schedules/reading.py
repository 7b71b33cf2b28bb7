"""What an expression means, in words: when it starts next, and what clocks do to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from executions.models import Schedule
from executions.schedules import timing
from executions.schedules.cron import CronError, parse
from executions.schedules.excluded import CalendarError
from executions.schedules.timetable import Timetable, next_change

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """What is said beside the expression of a form. `bad_part` is the place of the part that makes
    no sense."""

    words: str = ""
    starts: str = ""
    clocks: str = ""
    next: tuple[datetime, ...] = ()
    problem: str = ""
    zone: str = "UTC"
    bad_part: int | None = None


def read(schedule: Schedule, now: datetime) -> Reading:
    """Return what a schedule that need not be saved means."""
    try:
        table = timing.timetable(schedule)
        cron = table.cron
        upcoming = tuple(islice(table.times(now), SHOWN))
        week = sum(cron.names_day((now + timedelta(days=n)).date()) for n in range(7))
    except (CronError, CalendarError) as error:
        bad = error.part if isinstance(error, CronError) else None
        return Reading(problem=str(error), zone=schedule.zone, bad_part=bad)
    day, number = cron.starts_a_day, cron.starts_a_day * week
    starts = f"{day:,} start{'s' * (day != 1)} a day, {number:,} a week"
    problem = "" if upcoming else "It never starts: no day is left."
    clocks = _clocks(table, now)
    return Reading(f"{cron.words}.", starts, clocks, upcoming, problem, schedule.zone)


def _clocks(table: Timetable, now: datetime) -> str:
    """Say what the next change of clocks does to a schedule."""
    change = next_change(now, table.zone)
    if change is None:
        return "Clocks do not change there within a year."
    before = (change - timedelta(seconds=1)).astimezone(table.zone).utcoffset() or timedelta()
    shift = (change.astimezone(table.zone).utcoffset() or timedelta()) - before
    wall = (change + before).replace(tzinfo=None)
    when = f"On {wall:%-d %B} clocks go {'forward' if shift > timedelta() else 'back'}"
    return f"{when} at {wall:%H:%M}: {_effect(table, change, wall, shift)}"


def _effect(table: Timetable, change: datetime, wall: datetime, shift: timedelta) -> str:
    first = min(wall, wall + shift) - timedelta(seconds=1)
    last = max(wall, wall + shift)
    if shift > timedelta():
        skipped = [one for one in islice(table.cron.after(first), 1) if one < last]
        if not skipped:
            return "no start of it is skipped."
        return f"what is skipped starts once, at {(wall + shift):%H:%M}."
    doubled = [one for one in islice(table.cron.after(first), 1) if one < last]
    if not doubled or not table.cron.is_every_hour:
        return "nothing of it runs twice."
    return f"it goes on through the hour from {(wall + shift):%H:%M} that comes twice."


def words(schedule: Schedule) -> str:
    """Return the words of a schedule's expression, or what is wrong with it."""
    try:
        return parse(schedule.cron).words
    except CronError as error:
        return str(error)


def upcoming(schedule: Schedule, count: int = SHOWN) -> tuple[datetime, ...]:
    """Return the next times of a schedule that is on."""
    if schedule.next_at is None:
        return ()
    try:
        later = islice(timing.timetable(schedule).times(schedule.next_at), count - 1)
        return (schedule.next_at, *later)
    except (CronError, CalendarError):
        return (schedule.next_at,)


def times_text(times: tuple[datetime, ...], zone: ZoneInfo, now: datetime) -> str:
    """Return times in a few words: by their clocks where they are near, else by their days."""
    local = [one.astimezone(zone) for one in times]
    if not local:
        return ""
    clocks = {f"{one:%H:%M}" for one in local}
    if local[-1] - local[0] < timedelta(hours=24) and len(clocks) > 1:
        pattern = "%H:%M:%S" if any(one.second for one in local) else "%H:%M"
        return " · ".join(f"{one:{pattern}}" for one in local)
    today = now.astimezone(zone).date()
    pattern = "%a" if (local[-1].date() - today).days < 8 else "%-d %b"
    days = ["today" if one.date() == today else f"{one:{pattern}}" for one in local]
    if len(clocks) == 1:
        return f"{', '.join(days)} at {local[0]:%H:%M}"
    return ", ".join(f"{day} {one:%H:%M}" for day, one in zip(days, local, strict=True))
