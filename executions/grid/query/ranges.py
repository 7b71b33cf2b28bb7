"""Ranges of moments, lengths of time and whole numbers, as people write them. Pure.

    >-2h            since two hours ago; stays relative        <=2026-11-01T10:30
    2026-11-01      that day                                   2026-11-01..2026-11-03
    >10s   <1m30s   1.5h..2d   ..250ms                         3   >=1000   1..5

    today  yesterday        those days of a time zone, as they go on

A range runs from `low` to before `high`; None is open. A day runs from midnight to midnight of its
time zone, also where the clocks change on it; the `d` and `w` of a length are always 24 hours and
seven times that.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flows.values import in_utc

T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, tzinfo=UTC)
#: The end of the calendar.
NEVER = datetime.max.replace(tzinfo=UTC)
TICK = timedelta(microseconds=1)
UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
#: Longer ranges than that are refused: dates end.
LONGEST = timedelta(days=36_500)
#: What a bigint holds.
LARGEST = 2**63 - 2


class Unreadable(ValueError):
    """A value that means nothing; says what would."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Whole numbers, or lengths of time in microseconds."""

    low: int | None
    high: int | None

    def holds(self, number: int) -> bool:
        return (self.low is None or number >= self.low) and (
            self.high is None or number < self.high
        )


@dataclass(frozen=True, slots=True)
class Bound:
    """A moment: fixed, or so long before now, or where the day begins in `zone` that comes so many
    days after today's."""

    at: datetime | None = None
    ago: timedelta = timedelta()
    zone: tzinfo | None = None
    days: int = 0

    def when(self, now: datetime) -> datetime:
        if self.at is not None:
            return self.at
        if self.zone is None:
            return now - self.ago
        today = now.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        return (today + timedelta(days=self.days)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Times:
    """A range of moments."""

    low: Bound | None
    high: Bound | None

    def between(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        low, high = self.low, self.high
        return (low.when(now) if low else None), (high.when(now) if high else None)

    def holds(self, at: datetime, now: datetime) -> bool:
        low, high = self.between(now)
        return (low is None or at >= low) and (high is None or at < high)


def numbers(text: str) -> tuple[Numbers, str]:
    """A range of whole numbers, and how it is written for certain. Raises Unreadable."""

    def one(word: str) -> tuple[int, int, str]:
        if not re.fullmatch(r"[0-9]{1,18}", word, re.ASCII):
            raise Unreadable(f"“{word}” is no whole number; write 3, >10 or 1..5")
        return int(word), int(word) + 1, str(int(word))

    low, high, written = _range(text, one)
    return Numbers(low, high), written


def durations(text: str) -> tuple[Numbers, str]:
    """A range of lengths of time in microseconds. Raises Unreadable."""

    def one(word: str) -> tuple[int, int, str]:
        length = _length(word)
        if length is None or length > LONGEST:
            raise Unreadable(f"“{word}” is no duration; write >10s, <1m30s or 250ms..2h")
        return length // TICK, length // TICK + 1, word.lower()

    if not re.search(r"[<>]|\.\.", text):
        raise Unreadable(f"Write >{text}, <{text} or a range such as 10s..1m")
    low, high, written = _range(text, one)
    return Numbers(low, high), written


def times(text: str, zone: tzinfo = UTC) -> tuple[Times, str]:
    """A range of moments; what names no time zone is in `zone`. Raises Unreadable."""

    def one(word: str) -> tuple[Bound, Bound, str]:
        if word.lower() == "now":
            return Bound(), Bound(), "now"
        if found := _named_day(word, zone):
            return found
        if word.startswith("-"):
            ago = _length(word[1:])
            if ago is not None and ago <= LONGEST:
                return Bound(ago=ago), Bound(ago=ago), word.lower()
        elif moment := _moment(word, zone):
            start, end, written = moment
            return Bound(start), Bound(end), written
        raise Unreadable(f"“{word}” is no time; write -2h, today, 2026-11-01 or 2026-11-01T10:30")

    if re.fullmatch(r"-\s*[0-9].*", text) and ".." not in text:
        text = f">{text}"  # -2h alone: since then
    low, high, written = _range(text, one)
    return Times(low, high), written


_NAMED_DAY = re.compile(
    r"(today|yesterday)(?:\[([A-Za-z0-9_+/-]{1,60})\])?", re.ASCII | re.IGNORECASE
)


def _named_day(word: str, zone: tzinfo) -> tuple[Bound, Bound, str] | None:
    named = _NAMED_DAY.fullmatch(word)
    if not named:
        return None
    zone = zone_of(named[2]) if named[2] else zone
    day = 0 if named[1].lower() == "today" else -1
    written = f"{named[1].lower()}[{zone}]"
    return Bound(zone=zone, days=day), Bound(zone=zone, days=day + 1), written


def zone_of(name: str) -> tzinfo:
    """The time zone of a name. Raises Unreadable."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unreadable(f"There is no time zone {name}") from None


def moment(text: str, zone: tzinfo = UTC) -> datetime | None:
    """The beginning of the day, minute or second that a text names; None for another text. Of a
    time that the clocks show twice, the second, so that nothing of it comes after."""
    found = _moment(text.strip(), zone)
    if found is None:
        return None
    again = _moment(text.strip(), zone, fold=1) if ":" in text else None
    return max(found[0], again[0]) if again else found[0]


def moments(sign: str, text: str, zone: tzinfo = UTC) -> Times | None:
    """What a sign (`=`, `>`…) and a text that names a day, a minute, a second or a moment mean
    together, wherever in the calendar; None for another text. `!=` is read as `=`."""
    found = _span(text.strip(), zone)
    if found is None:
        return None
    start, end, *_ = found
    bound = {"<": Bound(start), "<=": Bound(end), ">": Bound(end), ">=": Bound(start)}.get(sign)
    if sign in ("<", "<="):
        return Times(None, bound if end else None)
    if sign in (">", ">="):
        return Times(bound if end or sign == ">=" else Bound(NEVER), None)
    return Times(Bound(start), Bound(end) if end else None)


def has_offset(text: str) -> bool:
    """Whether a text that names a moment says itself how far that is from UTC."""
    found = _MOMENT.fullmatch(text.strip())
    return bool(found and found[4])


def _range(text: str, one: Callable[[str], tuple[T, T, str]]) -> tuple[T | None, T | None, str]:
    """`one` reads what a word names: its beginning, its end, and how it is written for certain."""
    text = text.strip()
    if found := re.fullmatch(r"(>=|<=|>|<|=)?\s*(.*)", text, re.DOTALL):
        sign, rest = found[1] or "", found[2].strip()
        if sign in (">", ">=", "<", "<="):
            start, end, written = one(rest)
            low = {">": end, ">=": start}.get(sign)
            high = {"<": start, "<=": end}.get(sign)
            return low, high, sign + written
        text = rest
    first, dots, last = text.partition("..")
    if not dots:
        start, end, written = one(text)
        return start, end, written
    if not first.strip() and not last.strip():
        raise Unreadable("A range has a beginning, an end, or both")
    low, _, since = one(first.strip()) if first.strip() else (None, None, "")
    _, high, until = one(last.strip()) if last.strip() else (None, None, "")
    return low, high, f"{since}..{until}"


def _length(text: str) -> timedelta | None:
    parts = re.findall(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d|w)", text.lower(), re.ASCII)
    if not parts or "".join(number + unit for number, unit in parts) != text.lower():
        return None
    try:
        return sum((float(number) * UNITS[unit] for number, unit in parts), timedelta())
    except OverflowError:
        return None


_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{1,2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,6})?)?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2}|\[[A-Za-z0-9_+/-]{1,60}\])?",
    re.ASCII | re.IGNORECASE,
)


def _moment(text: str, zone: tzinfo, fold: int = 0) -> tuple[datetime, datetime, str] | None:
    found = _span(text, zone, fold)
    if found is None:
        return None
    start, end, local, written = found
    if end is None or not EPOCH <= start < LAST:
        return None
    is_whole_day = "T" not in written
    if is_whole_day and end - start != UNITS["d"] and isinstance(local.tzinfo, ZoneInfo):
        # By an offset alone it would be 24 hours.
        return start, end, f"{written}[{local.tzinfo}]"
    return start, end, written + _offset(local)


def _span(
    text: str, zone: tzinfo, fold: int = 0
) -> tuple[datetime, datetime | None, datetime, str] | None:
    """From when to before when what a text names lasts (None where the calendar ends before), its
    beginning in its own zone, and how it is written without that."""
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
    return start, end, local, day + (f"T{clock}" if minute else "")


def _end(
    local: datetime, start: datetime, minute: str | None, second: str | None
) -> datetime | None:
    """Before when what begins then is over: a day, a minute, a second, or part of one."""
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
