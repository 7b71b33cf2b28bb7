"""Months of the calendar, and time periods, which count by it. Pure."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


def add_months(start: datetime, months: int) -> datetime:
    """Return the date time so many months later; a day that the month lacks becomes its last one.
    Raises ValueError beyond the calendar."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    try:
        day = min(start.day, monthrange(year, month + 1)[1])
    except (IndexError, OverflowError):
        raise ValueError(f"There is no year {year}.") from None
    return start.replace(year=year, month=month + 1, day=day)


def add_parts(start: datetime, period: Mapping[str, Any]) -> datetime:
    """Return the date time after the parts of a time period: years, then months, each with the day
    clamped to the month's end, then days down to milliseconds. Raises ValueError or OverflowError
    beyond the calendar."""
    moved = add_months(add_months(start, period.get("Years", 0) * 12), period.get("Months", 0))
    lengths = {part.lower(): period.get(part, 0) for part in LENGTHS}
    return moved + timedelta(**lengths)


#: The parts of a time period that are lengths of time.
LENGTHS = ("Days", "Hours", "Minutes", "Seconds", "Milliseconds")
