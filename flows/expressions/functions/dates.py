"""Date times."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flows.expressions import supply
from flows.expressions.function import function
from flows.formats import dates
from flows.formats.cultures import culture as culture_of
from flows.months import LENGTHS, add_months, add_parts

#: The units of `add` and `between` that are lengths of time, in seconds.
_LENGTHS = {"milliseconds": 0.001, "seconds": 1, "minutes": 60, "hours": 3600}
#: The units that the calendar of a zone counts, in days or months.
_DAYS = {"days": 1, "weeks": 7}
_MONTHS = {"months": 1, "quarters": 3, "years": 12}
_UNITS = (*_LENGTHS, *_DAYS, *_MONTHS)


@lru_cache(maxsize=1000)
def zone_of(name: str) -> tzinfo:
    """Return a time zone: an IANA name, or an offset such as +02:00. Raises ValueError."""
    if not name or name.upper() in ("UTC", "Z"):
        return UTC
    if name[0] in "+-":
        return timezone(timedelta(0) if name[1:] in ("00:00", "0") else _offset(name))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name}. An example is Europe/Berlin.") from None


def _offset(name: str) -> timedelta:
    offset = datetime.fromisoformat(f"2000-01-01T00:00{name}").utcoffset()
    assert offset is not None
    return offset


@function(("now() >= timestamp('2020-01-01T00:00:00Z')", True))
def now() -> datetime:
    """Return the time at which the block was entered."""
    return supply.current().expression_time()


@function(("today() <= now()", True))
def today(zone: str = "") -> datetime:
    """Return the beginning of today in a time zone."""
    return _start(supply.current().expression_time(), "day", zone_of(zone))


@function(
    ("date(2026, 3, 9)", datetime(2026, 3, 9, tzinfo=UTC)),
    ('date(2026, 7, 9, 12, 30, 0, "Europe/Berlin")', datetime(2026, 7, 9, 10, 30, tzinfo=UTC)),
)
def date(  # noqa: PLR0913 - the parts of a date time
    year: int,
    month: int,
    day: int,
    hour: int = 0,
    minute: int = 0,
    second: int = 0,
    zone: str = "",
) -> datetime:
    """Return the date time of its parts in a time zone. A time that a change of clocks leaves out
    is as much later."""
    return _placed(datetime(year, month, day, hour, minute, second), zone_of(zone))


@function(
    ('parseDate("09/03/2026", "dd/MM/yyyy")', datetime(2026, 3, 9, tzinfo=UTC)),
    ('parseDate("2026-03-09T06:25:00+01:00")', datetime(2026, 3, 9, 5, 25, tzinfo=UTC)),
    ('parseDate("9 mars 2026", "d MMMM yyyy", "fr-FR")', datetime(2026, 3, 9, tzinfo=UTC)),
)
def parse_date(text: str, pattern: str = "", culture: str = "", zone: str = "") -> datetime:
    """Return the date time that a text writes, in a format of .NET or in a usual one. Without an
    offset in the text, it is in the time zone."""
    signs = culture_of(culture)
    at = dates.parse_date(text, pattern, signs) if pattern else dates.parse_any_date(text, signs)
    has_offset = pattern and any(letter in pattern for letter in "zKORru")
    if zone and not (has_offset or (not pattern and _names_offset(text))):
        return _placed(at.replace(tzinfo=None), zone_of(zone))
    return at


def _names_offset(text: str) -> bool:
    tail = text.strip()[10:]
    return tail.endswith(("Z", "z", "GMT")) or "+" in tail or "-" in tail


@function(
    (
        'addPeriod(date(2026, 1, 31), {"Months": 1, "Hours": 2})',
        datetime(2026, 2, 28, 2, tzinfo=UTC),
    ),
    (
        'date(2026, 3, 28, 12, 0, 0, "Europe/Berlin").addPeriod({"Days": 1}, "Europe/Berlin")',
        datetime(2026, 3, 29, 10, tzinfo=UTC),
    ),
)
def add_period(at: datetime, period: dict[Any, Any], zone: str = "") -> datetime:
    """Return the date time after a Time Period: Years, Months, Days, Hours, Minutes, Seconds and
    Milliseconds. Years, months and days keep the time of day in the time zone."""
    if unknown := [part for part in period if part not in ("Years", "Months", *LENGTHS)]:
        raise ValueError(f"{unknown[0]} is no part of a Time Period.")
    if any(type(amount) not in (int, float) for amount in period.values()):
        raise ValueError("the parts of a Time Period are numbers.")
    place = zone_of(zone)
    whole = {part: period.get(part, 0) for part in ("Years", "Months", "Days")}
    rest = {part: amount for part, amount in period.items() if part not in whole}
    try:
        local = add_parts(at.astimezone(place).replace(tzinfo=None), whole)
        return add_parts(_placed(local, place), rest)
    except (OverflowError, ValueError, TypeError):
        raise ValueError("the result is before the year 1 or after the year 9999.") from None


@function(
    ('add(date(2026, 1, 31), 1, "months")', datetime(2026, 2, 28, tzinfo=UTC)),
    (
        'date(2026, 3, 28, 12, 0, 0, "Europe/Berlin").add(1, "days", "Europe/Berlin")',
        datetime(2026, 3, 29, 10, tzinfo=UTC),
    ),
)
def add(at: datetime, amount: int, unit: str, zone: str = "") -> datetime:
    """Return the date time so many units later: milliseconds, seconds, minutes, hours, days, weeks,
    months, quarters or years. Days and longer units keep the time of day in the time zone."""
    unit = _unit(unit)
    try:
        if unit in _LENGTHS:
            return at + timedelta(seconds=amount * _LENGTHS[unit])
        place = zone_of(zone)
        local = at.astimezone(place).replace(tzinfo=None)
        if unit in _DAYS:
            return _placed(local + timedelta(days=amount * _DAYS[unit]), place)
        return _placed(add_months(local, amount * _MONTHS[unit]), place)
    except (OverflowError, ValueError):
        raise ValueError("the result is before the year 1 or after the year 9999.") from None


@function(
    ('between(date(2026, 1, 31), date(2026, 3, 1), "months")', 1.0),
    ('between(date(2026, 1, 1), date(2026, 1, 2), "hours")', 24.0),
)
def between(start: datetime, end: datetime, unit: str = "seconds", zone: str = "") -> float:
    """Return how many units lie between two date times; months and longer ones in whole units,
    negative when the end comes first."""
    unit = _unit(unit)
    if unit in _LENGTHS:
        return (end - start).total_seconds() / _LENGTHS[unit]
    place = zone_of(zone)
    one, other = (at.astimezone(place).replace(tzinfo=None) for at in (start, end))
    if unit in _DAYS:
        return (other - one) / timedelta(days=_DAYS[unit])
    months = (other.year - one.year) * 12 + other.month - one.month
    step = 1 if months > 0 else -1
    while (
        months
        and (add_months(one, months) > other) == (step > 0)
        and (add_months(one, months) != other)
    ):
        months -= step
    whole = abs(months) // _MONTHS[unit]
    return float(whole if months >= 0 else -whole)


@function(
    ('startOf(date(2026, 3, 9, 6, 25), "month")', datetime(2026, 3, 1, tzinfo=UTC)),
    ('startOf(date(2026, 3, 11), "week")', datetime(2026, 3, 9, tzinfo=UTC)),
)
def start_of(at: datetime, unit: str, zone: str = "") -> datetime:
    """Return the beginning of the minute, hour, day, week (Monday), month, quarter or year."""
    return _start(at, unit, zone_of(zone))


@function(
    (
        'endOf(date(2026, 2, 9), "month")',
        datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC),
    )
)
def end_of(at: datetime, unit: str, zone: str = "") -> datetime:
    """Return the last moment of the minute, hour, day, week, month, quarter or year."""
    place = zone_of(zone)
    start = _start(at, unit, place)
    following = add.run(start, 1, f"{_singular(unit)}s", zone)
    return following - timedelta(microseconds=1)  # type: ignore[no-any-return]


@function(
    ("parts(date(2026, 3, 9, 6, 25)).DayOfWeek", "Monday"),
    ('date(2026, 7, 9).parts("Europe/Berlin").Offset', timedelta(hours=2)),
)
def parts(at: datetime, zone: str = "") -> dict[Any, Any]:
    """Return Year, Month, Day, Hour, Minute, Second, Millisecond, DayOfWeek, DayOfYear, Week and
    Offset in a time zone."""
    local = at.astimezone(zone_of(zone))
    return {
        "Year": local.year,
        "Month": local.month,
        "Day": local.day,
        "Hour": local.hour,
        "Minute": local.minute,
        "Second": local.second,
        "Millisecond": local.microsecond // 1000,
        "DayOfWeek": culture_of(None).days[local.isoweekday() % 7],
        "DayOfYear": local.timetuple().tm_yday,
        "Week": local.isocalendar().week,
        "Offset": local.utcoffset(),
    }


def _unit(name: str) -> str:
    unit = f"{_singular(name)}s"
    if unit not in _UNITS:
        raise ValueError(f"{name} is not one of {', '.join(_UNITS)}.")
    return unit


def _singular(name: str) -> str:
    return name.strip().lower().removesuffix("s")


def _placed(local: datetime, zone: tzinfo) -> datetime:
    """The moment of a time of day in a zone. One that does not exist is as much later, one that
    stands twice is the first."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def _start(at: datetime, unit: str, zone: tzinfo) -> datetime:
    # The second of two hours that a change of clocks makes alike stays the second one.
    local = at.astimezone(zone)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    starts: dict[str, Any] = {
        "second": lambda: local.replace(microsecond=0),
        "minute": lambda: local.replace(second=0, microsecond=0),
        "hour": lambda: local.replace(minute=0, second=0, microsecond=0),
        "day": lambda: day,
        "week": lambda: day - timedelta(days=day.weekday()),
        "month": lambda: day.replace(day=1),
        "quarter": lambda: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "year": lambda: day.replace(month=1, day=1),
    }
    if (start := starts.get(_singular(unit))) is None:
        raise ValueError(f"{unit} is not one of {', '.join(starts)}.")
    return start().astimezone(UTC)  # type: ignore[no-any-return]
