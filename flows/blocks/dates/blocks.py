"""Date times: the present one, their parts, text, arithmetic and comparisons."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.blocks.cultures import FORMAT_PROVIDER, format_provider
from flows.blocks.enumerations import DATE_TIME_COMPONENT
from flows.blocks.errors import BlockException, exception, out_of_range
from flows.blocks.schedules.wait import add_period
from flows.formats.cultures import culture
from flows.formats.dates import ISO, default_text, format_date, parse_any_date, parse_date
from flows.formats.numbers import InvalidFormat
from flows.parsing import PERIOD_PARTS

_TYPE = "DateTimeOffset"
DATE_TIME = Property("Date Time", _TYPE, required=True)
CHANGED_DATE_TIME = Property("Date Time", _TYPE, Direction.BOTH, required=True)
DATE_TIME_OUT = Property("Date Time", _TYPE, Direction.OUTPUT)
TO_COMPARE = Property("Date Time To Compare", _TYPE, required=True)
START = Property("Start Date Time", _TYPE, required=True)
END = Property("End Date Time", _TYPE, required=True)
PERIOD = Property("Time Period", "TimePeriod")
TEMPLATE = Property("Format Template", "String", default=ISO)


class DateTimeBlock(Block):
    """A block about date times."""

    palette = "Date & Time"
    icon = "wait"


class GetCurrentDateTime(DateTimeBlock):
    """Gets the present date time, in UTC."""

    type = "Get Current Date Time"
    properties = (DATE_TIME_OUT,)

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Date Time": visit.now()})


# Arithmetic ----------------------------------------------------------------------------------


class _AddsPeriod(DateTimeBlock):
    """Years and months count by the calendar; a day that a month lacks becomes its last one."""

    properties: ClassVar[tuple[Property, ...]] = (CHANGED_DATE_TIME, PERIOD)
    throws: ClassVar[tuple[str, ...]] = ("PropertyValueOutOfRangeException",)
    sign: ClassVar[int] = 1

    def run(self, visit: Visit) -> Leave:
        at, period = visit.inputs["Date Time"], visit.inputs["Time Period"] or {}
        if isinstance(period, dict):
            period = {name: self.sign * part for name, part in period.items() if part is not None}
        elif isinstance(period, timedelta):
            period = self.sign * period
        else:
            period = timedelta(milliseconds=self.sign * period)
        try:
            return Leave(outputs={"Date Time": add_period(at, period, "Time Period")})
        except BlockException as thrown:
            if thrown.value.short_type != "ArgumentOutOfRangeException":
                raise
        except OverflowError:
            pass
        raise out_of_range("Time Period", period, "one that stays in the years 1 to 9999")


class AddTimePeriod(_AddsPeriod):
    """Adds a time period to a date time. Years and months count by the calendar."""

    type = "Add Time Period"


class SubtractTimePeriod(_AddsPeriod):
    """Subtracts a time period from a date time. Years and months count by the calendar."""

    type = "Subtract Time Period"
    sign = -1


class GetTimePeriodBetweenDateTimes(DateTimeBlock):
    """Gets the time from one date time to another, in days and shorter units; negative when the
    end comes first."""

    type = "Get Time Period Between Date Times"
    properties = (START, END, Property("Time Period", "TimePeriod", Direction.OUTPUT))

    def run(self, visit: Visit) -> Leave:
        length = visit.inputs["End Date Time"] - visit.inputs["Start Date Time"]
        return Leave(outputs={"Time Period": _period(length)})


def _period(length: timedelta) -> dict[str, int]:
    """Return a length as a Time Period, in days and shorter units."""
    sign, size = (-1, -length) if length < timedelta() else (1, length)
    hours, rest = divmod(size.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = (0, 0, size.days, hours, minutes, seconds, size.microseconds // 1000)
    return {name: sign * part for name, part in zip(PERIOD_PARTS, parts, strict=True)}


# Comparisons ---------------------------------------------------------------------------------


def _answer(name: str) -> Property:
    return Property(name, "Boolean", Direction.OUTPUT)


class IsDateTimeAfter(DateTimeBlock):
    """Tells whether a date time is later than another one."""

    type = "Is Date Time After"
    properties = (DATE_TIME, TO_COMPARE, _answer("Date Time Is After"))

    def run(self, visit: Visit) -> Leave:
        is_after = visit.inputs["Date Time"] > visit.inputs["Date Time To Compare"]
        return Leave(outputs={"Date Time Is After": is_after})


class IsDateTimeBefore(DateTimeBlock):
    """Tells whether a date time is earlier than another one."""

    type = "Is Date Time Before"
    properties = (DATE_TIME, TO_COMPARE, _answer("Date Time Is Before"))

    def run(self, visit: Visit) -> Leave:
        is_before = visit.inputs["Date Time"] < visit.inputs["Date Time To Compare"]
        return Leave(outputs={"Date Time Is Before": is_before})


class IsDateTimeEqual(DateTimeBlock):
    """Tells whether two date times are the same instant, whatever their offsets."""

    type = "Is Date Time Equal"
    properties = (DATE_TIME, TO_COMPARE, _answer("Date Time Is Equal"))

    def run(self, visit: Visit) -> Leave:
        is_equal = visit.inputs["Date Time"] == visit.inputs["Date Time To Compare"]
        return Leave(outputs={"Date Time Is Equal": is_equal})


class IsDateTimeBetween(DateTimeBlock):
    """Tells whether a date time lies between two others, whichever of them is later. Both are
    included."""

    type = "Is Date Time Between"
    properties = (DATE_TIME, START, END, _answer("Date Time Is Between"))

    def run(self, visit: Visit) -> Leave:
        inputs = visit.inputs
        first, last = sorted((inputs["Start Date Time"], inputs["End Date Time"]))
        lies = first <= inputs["Date Time"] <= last
        return Leave(outputs={"Date Time Is Between": lies})


# Parts and text ------------------------------------------------------------------------------


def _midnight(at: datetime) -> datetime:
    """Return the beginning of the day, without an offset."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)


class GetDateTimeComponent(DateTimeBlock):
    """Gets a part of a date time, as its offset shows it. LocalDateTime is in the zone of the
    workers, UTC. Time is a Time Period, and Offset a Duration."""

    type = "Get Date Time Component"
    properties = (
        DATE_TIME,
        DATE_TIME_COMPONENT.property("Component Type", "LocalDateTime", advanced=False),
        Property("Component", direction=Direction.OUTPUT),
    )
    throws = ("ArgumentException",)

    def run(self, visit: Visit) -> Leave:
        at: datetime = visit.inputs["Date Time"]
        part = DATE_TIME_COMPONENT.member("Component Type", visit.inputs["Component Type"])
        return Leave(outputs={"Component": self.component(at, part)})

    def component(self, at: datetime, part: str) -> Any:
        match part:
            case "LocalDateTime" | "UtcDateTime":
                return at.astimezone(UTC)
            case "Date":
                return _midnight(at)
            case "Time":
                return _period(at.replace(tzinfo=None) - _midnight(at))
            case "Millisecond":
                return at.microsecond // 1000
            case "Offset":
                return at.utcoffset() or timedelta()
            case "DayOfYear":
                return at.timetuple().tm_yday
            case "DayOfWeek":
                return culture(None).days[at.isoweekday() % 7]
        return getattr(at, part.lower())


class ConvertDateTimeToText(DateTimeBlock):
    """Writes a date time in a format and a culture. Without both it is in ISO form; without a
    format alone as the culture writes it (semantics 119)."""

    type = "Convert Date Time To Text"
    properties = (
        DATE_TIME,
        TEMPLATE,
        FORMAT_PROVIDER,
        Property("Text", "String", Direction.OUTPUT),
    )
    throws = ("CultureInfoNotFoundException", "FormatException")

    def run(self, visit: Visit) -> Leave:
        at, template = visit.inputs["Date Time"], visit.inputs["Format Template"]
        signs = format_provider(visit.inputs)
        if not template and visit.inputs["Format Provider"] is not None:
            return Leave(outputs={"Text": default_text(at, signs)})
        try:
            return Leave(outputs={"Text": format_date(at, template or ISO, signs)})
        except InvalidFormat as problem:
            raise exception("FormatException", str(problem)) from None


class ConvertTextToDateTime(DateTimeBlock):
    """Reads a date time in a format and a culture. Without a format it takes the ISO form and what
    people write in the culture: a date whose month is a number or a name, with or without a time
    (semantics 119). Without an offset in the text it is in UTC. With a format that has no date it
    is today."""

    type = "Convert Text To Date Time"
    properties = (
        Property("Text", "String", required=True, nonempty=True),
        TEMPLATE,
        FORMAT_PROVIDER,
        DATE_TIME_OUT,
    )
    throws = ("CultureInfoNotFoundException", "FormatException")

    def run(self, visit: Visit) -> Leave:
        text, template = visit.inputs["Text"], visit.inputs["Format Template"]
        signs = format_provider(visit.inputs)
        try:
            if template:
                at = parse_date(text, template, signs, visit.now())
            else:
                at = parse_any_date(text, signs)
        except ValueError as problem:
            raise exception("FormatException", str(problem)) from None
        return Leave(outputs={"Date Time": at})
