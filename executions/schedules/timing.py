"""When a schedule of the database is due."""

import random
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from executions.models import Schedule
from executions.schedules import cron, excluded
from executions.schedules.timetable import Timetable


def timetable(schedule: Schedule) -> Timetable:
    """Return when a schedule is due. Raises CronError and CalendarError."""
    zone = ZoneInfo(schedule.zone)
    days = frozenset(schedule.excluded_days)
    in_calendar = excluded.is_in(schedule.calendar, zone) if schedule.calendar else None

    def is_excluded(day: date) -> bool:
        return day in days or (in_calendar is not None and in_calendar(day))

    return Timetable(
        cron.parse(schedule.cron), zone, schedule.starts_on, schedule.ends_on, is_excluded
    )


def plan_next(schedule: Schedule, after: datetime) -> None:
    """Set which time of a schedule comes next after a moment, and when that starts. A time that has
    been dealt with never comes again."""
    schedule.next_at = schedule.due_at = None
    if schedule.is_on:
        last = schedule.last_at
        schedule.next_at = timetable(schedule).after(max(after, last) if last else after)
    if schedule.next_at is not None:
        schedule.due_at = schedule.next_at + jitter(schedule)


def jitter(schedule: Schedule) -> timedelta:
    """Return for how long one start waits."""
    return timedelta(seconds=random.uniform(0, schedule.jitter_seconds))  # noqa: S311
