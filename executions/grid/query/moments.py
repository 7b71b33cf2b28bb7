"""Moments and ranges of moments, as people write them. Pure.

    >-2h            since two hours ago; stays relative        <=2026-11-01T10:30
    2026-11-01      that day                                   2026-11-01..2026-11-03

    today  yesterday        those days of a time zone, as they go on

A range runs from `low` to before `high`; None is open. A day runs from midnight to midnight of its
time zone, also where the clocks change on it; the `d` and `w` of a length are always 24 hours and
seven times that.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from executions.grid.query.errors import InvalidValue
from executions.grid.query.ranges import UNITS, parse_length, parse_range
from flows.values import in_utc

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, tzinfo=UTC)
#: The end of the calendar.
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bound:
    """A moment that bounds a range: `at`, or `ago` before now, or midnight in `zone` so many `days`
    after today's."""

    at: datetime | None = None
    ago: timedelta = timedelta()
    zone: tzinfo | None = None
    days: int = 0

    def when(self, now: datetime) -> datetime:
        """Return the moment."""
        if self.at is not None:
            return self.at
        if self.zone is None:
            return now - self.ago
        today = now.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        return (today + timedelta(days=self.days)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class MomentRange:
    """A range of moments."""

    low: Bound | None
    high: Bound | None

    def between(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """Return from when to before when it lasts; None is open."""
        low, high = self.low, self.high
        return (low.when(now) if low else None), (high.when(now) if high else None)

    def holds(self, at: datetime, now: datetime) -> bool:
        """Return whether a moment is in the range."""
        low, high = self.between(now)
        return (low is None or at >= low) and (high is None or at < high)


def moment_range(text: str, zone: tzinfo = UTC) -> tuple[MomentRange, str]:
    """Return a range of moments and its one spelling. Raises InvalidValue.

    Times without a zone are in `zone`.
    """

    def read(word: str) -> tuple[Bound, Bound, str]:
        if word.lower() == "now":
            return Bound(), Bound(), "now"
        if found := _named_day(word, zone):
            return found
        if word.startswith("-"):
            ago = parse_length(word[1:])
            if ago is not None:
                return Bound(ago=ago), Bound(ago=ago), word.lower()
        elif moment := _moment(word, zone):
            start, end, spelling = moment
            return Bound(start), Bound(end), spelling
        raise InvalidValue(
            f"“{word}” is not a time. Write -2h, today, 2026-11-01 or 2026-11-01T10:30."
        )

    if re.fullmatch(r"-\s*[0-9].*", text) and ".." not in text:
        text = f">{text}"  # -2h alone: since then
    low, high, spelling = parse_range(text, read)
    return MomentRange(low, high), spelling


def read_span(address: Mapping[str, str], zone: tzinfo) -> tuple[str, str]:
    """Return the span that an address names in `at`, in its one spelling, and what is wrong with
    it."""
    text = address.get("at", "").strip()[:200]
    try:
        return moment_range(text, zone)[1] if text else "", ""
    except InvalidValue as error:
        return text, str(error)


_NAMED_DAY = re.compile(
    r"(today|yesterday)(?:\[([A-Za-z0-9_+/-]{1,60})\])?", re.ASCII | re.IGNORECASE
)


def _named_day(word: str, zone: tzinfo) -> tuple[Bound, Bound, str] | None:
    named = _NAMED_DAY.fullmatch(word)
    if not named:
        return None
    zone = zone_of(named[2]) if named[2] else zone
    day = 0 if named[1].lower() == "today" else -1
    spelling = f"{named[1].lower()}[{zone}]"
    return Bound(zone=zone, days=day), Bound(zone=zone, days=day + 1), spelling


def zone_of(name: str) -> tzinfo:
    """Return the time zone of a name. Raises InvalidValue."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidValue(f"There is no time zone {name}.") from None


def moment(text: str, zone: tzinfo = UTC) -> datetime | None:
    """Return the beginning of the day, minute or second that a text names; None for another text.

    Of a time that the clocks show twice it is the second one, so that nothing of it comes after.
    """
    found = _moment(text.strip(), zone)
    if found is None:
        return None
    again = _moment(text.strip(), zone, fold=1) if ":" in text else None
    return max(found[0], again[0]) if again else found[0]


def literal_range(sign: str, text: str, zone: tzinfo = UTC) -> MomentRange | None:
    """Return the range that a sign (`=`, `>`…) and the name of a day, minute or second mean.

    Anywhere in the calendar; None for another text. `!=` is read as `=`.
    """
    period = _period(text.strip(), zone)
    if period is None:
        return None
    start, end = period.start, period.end
    bound = {"<": Bound(start), "<=": Bound(end), ">": Bound(end), ">=": Bound(start)}.get(sign)
    if sign in ("<", "<="):
        return MomentRange(None, bound if end else None)
    if sign in (">", ">="):
        return MomentRange(bound if end or sign == ">=" else Bound(NEVER), None)
    return MomentRange(Bound(start), Bound(end) if end else None)


def has_offset(text: str) -> bool:
    """Return whether the name of a moment says how far it is from UTC."""
    found = _MOMENT.fullmatch(text.strip())
    return bool(found and found[4])


_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{1,2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,6})?)?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2}|\[[A-Za-z0-9_+/-]{1,60}\])?",
    re.ASCII | re.IGNORECASE,
)


class _Period(NamedTuple):
    """A day, a minute or a second, from `start` to before `end`; None where the calendar ends.

    `local` is its start in its own zone, and `spelling` how it is written without the zone.
    """

    start: datetime
    end: datetime | None
    local: datetime
    spelling: str


def _moment(text: str, zone: tzinfo, fold: int = 0) -> tuple[datetime, datetime, str] | None:
    """Return from when to before when what a text names lasts, and its one spelling."""
    period = _period(text, zone, fold)
    if period is None:
        return None
    start, end, local, spelling = period
    if end is None or not EPOCH <= start < LAST:
        return None
    is_whole_day = "T" not in spelling
    if is_whole_day and end - start != UNITS["d"] and isinstance(local.tzinfo, ZoneInfo):
        # By an offset alone it would be 24 hours.
        return start, end, f"{spelling}[{local.tzinfo}]"
    return start, end, spelling + _offset(local)


def _period(text: str, zone: tzinfo, fold: int = 0) -> _Period | None:
    """Return the period that a text names; None for another text."""
    found = _MOMENT.fullmatch(text)
    if not found:
        return None
    day, minute, second, offset = found.groups()
    clock = f"{(minute or '0:00').zfill(5)}{second or ''}"
    if offset and offset.startswith("["):
        zone, offset = zone_of(offset[1:-1]), None
    try:
        local = datetime.fromisoformat(f"{day}T{clock}")
        if offset is None:
            local = local.replace(tzinfo=zone, fold=fold)
        elif offset in "Zz":
            local = local.replace(tzinfo=UTC)
        else:
            hours, minutes = int(offset[1:3]), int(offset[4:6])
            ahead = timedelta(hours=hours, minutes=minutes)
            local = local.replace(tzinfo=timezone(-ahead if offset[0] == "-" else ahead))
        start = in_utc(local)
        end = _end(local, start, minute, second)
    except (ValueError, OverflowError):
        return None
    return _Period(start, end, local, day + (f"T{clock}" if minute else ""))


def _end(
    local: datetime, start: datetime, minute: str | None, second: str | None
) -> datetime | None:
    """Return before when a day, a minute, a second or a part of one ends."""
    try:
        if not minute:
            # A day lasts until the next one begins, also where the clocks change.
            return (local + UNITS["d"]).astimezone(UTC)
        if not second:
            return start + UNITS["m"]
        fraction = second.partition(".")[2]
        return start + timedelta(microseconds=10 ** (6 - len(fraction)))
    except OverflowError:
        return None


def _offset(at: datetime) -> str:
    ahead = at.utcoffset() or timedelta()
    if not ahead:
        return "Z"
    minutes = abs(ahead) // timedelta(minutes=1)
    return f"{'-' if ahead < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"
