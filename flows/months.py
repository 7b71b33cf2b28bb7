"""Months of the calendar. Pure."""

from calendar import monthrange
from datetime import datetime


def add_months(start: datetime, months: int) -> datetime:
    """Return the date time so many months later; a day that the month lacks becomes its last one.
    Raises ValueError beyond the calendar."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    try:
        day = min(start.day, monthrange(year, month + 1)[1])
    except (IndexError, OverflowError):
        raise ValueError(f"There is no year {year}.") from None
    return start.replace(year=year, month=month + 1, day=day)
