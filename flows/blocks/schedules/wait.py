"""Waiting for a time."""

from calendar import monthrange
from datetime import datetime, timedelta
from typing import Any

from flows.blocks.base import Block, Property, Visit, WaitUntil
from flows.blocks.errors import exception, invalid_property, out_of_range

PARTS = ("Years", "Months", "Days", "Hours", "Minutes", "Seconds", "Milliseconds")


class WaitForDuration(Block):
    """Parks the execution for a duration; no worker is held meanwhile (semantics 77).

    Duration is a structure of Years, Months, Days, Hours, Minutes, Seconds and Milliseconds, each
    0 where it is left out, or a CEL duration.
    """

    type = "Wait For Duration"
    palette = "Schedules"
    icon = "wait"
    has_timeout = False
    has_semaphore = False
    properties = (Property("Duration", "TimePeriod", default={}, required=True),)
    throws = ("PropertyValueOutOfRangeException", "ArgumentOutOfRangeException")

    def run(self, visit: Visit) -> WaitUntil:
        now = visit.now()
        at = add_period(now, visit.given["Duration"])
        if at < now:
            raise out_of_range("Duration", visit.given["Duration"], "zero or longer")
        return WaitUntil(at)


def add_period(start: datetime, period: dict[str, Any] | timedelta | float) -> datetime:
    """`start` plus a period: years, then months, each with the day clamped to the month's end, then
    days down to milliseconds.

    Raises InvalidPropertyValueException for unknown or non-numeric parts and
    ArgumentOutOfRangeException beyond the calendar, as BlockExceptions.
    """
    if isinstance(period, int | float):
        period = {"Milliseconds": period}
    if isinstance(period, timedelta):
        period = {"Milliseconds": period / timedelta(milliseconds=1)}
    parts = dict.fromkeys(PARTS, 0)
    for name, amount in period.items():
        whole = name in ("Years", "Months")
        if name not in parts or type(amount) not in ((int,) if whole else (int, float)):
            raise invalid_property("Duration", f"{name} is not a part of a period, or no number.")
        parts[name] = amount
    try:
        moved = _add_months(_add_months(start, parts["Years"] * 12), parts["Months"])
        return moved + timedelta(
            days=parts["Days"],
            hours=parts["Hours"],
            minutes=parts["Minutes"],
            seconds=parts["Seconds"],
            milliseconds=parts["Milliseconds"],
        )
    except (ValueError, OverflowError, IndexError):
        raise exception(
            "ArgumentOutOfRangeException", "The date to wait for is beyond the calendar."
        ) from None


def _add_months(start: datetime, months: int) -> datetime:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)
