"""Waiting for a time."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flows.blocks.base import Block, Leave, Property, Visit, WaitUntil
from flows.blocks.errors import exception, invalid_argument, invalid_property, out_of_range
from flows.expressions.functions.dates import zone_of
from flows.months import add_parts
from flows.parsing import PERIOD_PARTS
from flows.values import article, summary, type_name


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
        at = add_period(now, visit.inputs["Duration"])
        if at < now:
            raise out_of_range("Duration", visit.inputs["Duration"], "zero or longer")
        return WaitUntil(at)


class WaitUntilDateTime(Block):
    """Parks the execution until a moment; no worker is held meanwhile. It goes on at once when that
    has passed.

    A Date Time without an offset, such as the text `2026-12-24 18:00`, is a time of day in the Time
    Zone. One that comes twice, when clocks are put back, is the first of the two. One that is
    skipped, when they are put forward, is as much later: 02:30 is 03:30 then.
    """

    type = "Wait Until"
    palette = "Schedules"
    icon = "wait"
    properties = (
        Property(
            "Date Time",
            "DateTime",
            required=True,
            nonempty=True,
            description="a date time, or a text such as 2026-12-24 18:00 or 2026-12-24T18:00+01:00",
        ),
        Property(
            "Time Zone",
            "String",
            default="UTC",
            description="an IANA name such as Europe/Berlin, or an offset; null is UTC",
        ),
    )
    throws = ("ArgumentException", "ArgumentOutOfRangeException")

    def run(self, visit: Visit) -> Leave | WaitUntil:
        at = _moment(visit.inputs["Date Time"], visit.inputs["Time Zone"] or "UTC")
        return WaitUntil(at) if at > visit.now() else Leave()


def _moment(value: datetime | str, zone: str) -> datetime:
    """Return a moment in UTC. Raises InvalidPropertyValueException and ArgumentException as a
    BlockException."""
    try:
        place = zone_of(zone)
    except ValueError as problem:
        raise invalid_argument("Time Zone", f"{problem}") from None
    try:
        at = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
        # The first of two: `fold` is 0.
        return (at if at.tzinfo else at.replace(tzinfo=place)).astimezone(UTC)
    except ValueError:
        told = f"{summary(value)} is not a date and time, such as 2026-12-24 18:00."
        raise invalid_property("Date Time", told) from None
    except OverflowError:
        raise exception(
            "ArgumentOutOfRangeException", "The 'Date Time' lies beyond the calendar."
        ) from None


def add_period(start: datetime, period: Any, name: str = "Duration") -> datetime:
    """`start` plus a period: years, then months, each with the day clamped to the month's end, then
    days down to milliseconds. A number is milliseconds.

    Raises InvalidPropertyValueException of the property `name` for what is no period, for unknown
    and for non-numeric parts, and ArgumentOutOfRangeException beyond the calendar, as
    BlockExceptions.
    """
    if type(period) in (int, float):
        period = {"Milliseconds": period}
    if isinstance(period, timedelta):
        period = {"Milliseconds": period / timedelta(milliseconds=1)}
    if type(period) is not dict:
        raise invalid_property(name, f"{article(type_name(period))} is not a TimePeriod.")
    parts = dict.fromkeys(PERIOD_PARTS, 0)
    for part, amount in period.items():
        whole = part in ("Years", "Months")
        if part not in parts or type(amount) not in ((int,) if whole else (int, float)):
            problem = f"{summary(part)} is not a part of a period, or no number."
            raise invalid_property(name, problem)
        if amount != amount:
            raise invalid_property(name, f"{part} is not a number.")
        parts[part] = amount
    try:
        return add_parts(start, parts)
    except (ValueError, OverflowError, IndexError):
        raise exception(
            "ArgumentOutOfRangeException", f"The '{name}' leads beyond the calendar."
        ) from None
