"""The days of an iCalendar file on which a schedule starts nothing."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from executions.schedules import recurrences

#: Characters of a file, and days of one year that it may name.
LARGEST = 500_000
_MOST_EVENTS = 20_000


class CalendarError(ValueError):
    """What is wrong with an iCalendar file."""


def check(text: str) -> None:
    """Raise CalendarError when a text is not an iCalendar file with events."""
    if len(text) > LARGEST:
        raise CalendarError(f"The file is larger than {LARGEST:,} characters.")
    if problem := recurrences.problem_of(text):
        raise CalendarError(problem)
    if not list(_calendar(text).walk("VEVENT")):
        raise CalendarError("The file holds no events.")
    days_of(text, date.today().year, "UTC")


def is_in(text: str, zone: ZoneInfo) -> Callable[[date], bool]:
    """Return what says whether a day is one of the events of a file."""
    return partial(_is_in, text, zone.key)


def _is_in(text: str, zone: str, day: date) -> bool:
    return day in days_of(text, day.year, zone)


@lru_cache(maxsize=512)
def days_of(text: str, year: int, zone: str) -> frozenset[date]:
    """Return the days of a year on which there are events. Raises CalendarError."""
    first, after = date(year, 1, 1), date(year + 1, 1, 1)
    try:
        events = recurring_ical_events.of(_calendar(text)).between(first, after)
        if len(events) > _MOST_EVENTS:
            raise CalendarError(f"It has more than {_MOST_EVENTS:,} events a year.")
        found = {day for event in events for day in _days(event, ZoneInfo(zone))}
    except CalendarError:
        raise
    except Exception as error:
        # The libraries raise whatever a file leads them to.
        raise CalendarError(f"Its events cannot be read: {error}") from None
    return frozenset(day for day in found if day.year == year)


@lru_cache(maxsize=64)
def _calendar(text: str) -> icalendar.Calendar:
    try:
        found = icalendar.Calendar.from_ical(text)
    except (ValueError, IndexError, KeyError) as error:
        raise CalendarError(f"This is not an iCalendar file: {error}") from None
    if not isinstance(found, icalendar.Calendar):
        raise CalendarError("This is not an iCalendar file.")
    return found


def _days(event: Any, zone: ZoneInfo) -> list[date]:
    """The days that an event touches; its end is not a part of it."""
    start, end = event.start, event.end
    if isinstance(start, datetime) and isinstance(end, datetime):
        first = _local(start, zone).date()
        last = _local(max(start, end - timedelta(microseconds=1)), zone).date()
    else:
        first, last = start, max(start, end - timedelta(days=1))
    return [first + timedelta(days=number) for number in range(min((last - first).days, 366) + 1)]


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    return at if at.tzinfo is None else at.astimezone(zone)
