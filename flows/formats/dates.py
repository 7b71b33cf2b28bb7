"""Date times and durations as text, and back, in the formats of .NET.

Pure. A format is a standard one (one letter, such as `d`, `F` or `O`) or a pattern, such as
`yyyy-MM-dd HH:mm`. .NET counts seven digits of a second; six are kept here.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache

from flows.formats.cultures import Culture
from flows.formats.cultures import culture as culture_of
from flows.formats.numbers import InvalidFormat

#: The standard formats that are the same in every culture.
ISO = "yyyy-MM-ddTHH:mm:ss.fffffffzzz"
_FIXED = {
    "O": ISO,
    "o": ISO,
    "s": "yyyy-MM-ddTHH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ssZ",
}
#: The longest pattern.
LONGEST_PATTERN = 1000
#: A part of a pattern: quoted or escaped text, a field (one letter, repeated), or another sign.
_PART = re.compile(r"'[^']*'|\"[^\"]*\"|\\.|%|([dfFghHKmMstyz])\1*|.", re.S)


def format_date(at: datetime, pattern: str, culture: Culture) -> str:
    """Return a date time in a format; one without an offset is told without it. Raises
    InvalidFormat."""
    if pattern in ("R", "r"):
        return format_datetime(_in_utc(at), usegmt=True)
    if pattern == "U":
        at, pattern = _in_utc(at), "F"
    if pattern == "u":
        at = _in_utc(at)
    return "".join(_field(part, at, culture) for part in _parts(_expanded(pattern, culture)))


def default_text(at: datetime, culture: Culture) -> str:
    """Return a date time as .NET's ToString writes it, with its offset when it has one."""
    return format_date(at, culture.date_patterns["G"] + (" zzz" if at.tzinfo else ""), culture)


def _in_utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _expanded(pattern: str, culture: Culture) -> str:
    """The pattern of a standard format. Raises InvalidFormat."""
    if len(pattern) == 1:
        known = _FIXED.get(pattern) or culture.date_patterns.get(pattern)
        if known is None:
            raise InvalidFormat(f"{pattern} is not a format for date times.")
        return known
    if len(pattern) > LONGEST_PATTERN:
        raise InvalidFormat(f"A format has at most {LONGEST_PATTERN:,} characters.")
    return pattern


def _parts(pattern: str) -> Iterator[str]:
    for found in _PART.finditer(pattern):
        part = found.group()
        if part in ("'", '"', "\\"):
            raise InvalidFormat(f"The format {pattern} has a {part} with nothing to follow it.")
        if part != "%":
            yield part


def _field(part: str, at: datetime, culture: Culture) -> str:
    write = _FIELDS.get(part) or _FIELDS.get(part[0] * _LONGEST.get(part[0], 0))
    if write is not None:
        return write(at, culture)
    return _literal(part)


def _literal(part: str) -> str:
    if len(part) > 1 and part[0] in "'\"":
        return part[1:-1]
    return part[1:] if len(part) == 2 and part[0] == "\\" else part


def _offset(at: datetime) -> timedelta:
    return at.utcoffset() or timedelta()


def _offset_text(at: datetime, minutes: bool, width: int = 2) -> str:
    offset = _offset(at)
    sign, size = ("-", -offset) if offset < timedelta() else ("+", offset)
    hours, rest = divmod(size // timedelta(minutes=1), 60)
    return f"{sign}{hours:0{width}}" + (f":{rest:02}" if minutes else "")


def _half(at: datetime, culture: Culture) -> str:
    return culture.halves[at.hour >= 12]


def _fraction(digits: int) -> Callable[[datetime, Culture], str]:
    return lambda at, culture: f"{at.microsecond:06}0"[:digits]


def _short_fraction(digits: int) -> Callable[[datetime, Culture], str]:
    return lambda at, culture: f"{at.microsecond:06}0"[:digits].rstrip("0")


def _day_name(at: datetime, names: tuple[str, ...]) -> str:
    return names[at.isoweekday() % 7]


#: What writes each field of a pattern.
_FIELDS: dict[str, Callable[[datetime, Culture], str]] = {
    "d": lambda at, culture: str(at.day),
    "dd": lambda at, culture: f"{at.day:02}",
    "ddd": lambda at, culture: _day_name(at, culture.short_days),
    "dddd": lambda at, culture: _day_name(at, culture.days),
    "g": lambda at, culture: "A.D.",
    "h": lambda at, culture: str(at.hour % 12 or 12),
    "hh": lambda at, culture: f"{at.hour % 12 or 12:02}",
    "H": lambda at, culture: str(at.hour),
    "HH": lambda at, culture: f"{at.hour:02}",
    "K": lambda at, culture: _offset_text(at, minutes=True) if at.tzinfo else "",
    "m": lambda at, culture: str(at.minute),
    "mm": lambda at, culture: f"{at.minute:02}",
    "M": lambda at, culture: str(at.month),
    "MM": lambda at, culture: f"{at.month:02}",
    "MMM": lambda at, culture: culture.short_months[at.month - 1],
    "MMMM": lambda at, culture: culture.months[at.month - 1],
    "s": lambda at, culture: str(at.second),
    "ss": lambda at, culture: f"{at.second:02}",
    "t": lambda at, culture: _half(at, culture)[:1],
    "tt": _half,
    "y": lambda at, culture: str(at.year % 100),
    "yy": lambda at, culture: f"{at.year % 100:02}",
    "yyy": lambda at, culture: f"{at.year:03}",
    "yyyy": lambda at, culture: f"{at.year:04}",
    "yyyyy": lambda at, culture: f"{at.year:05}",
    "z": lambda at, culture: _offset_text(at, minutes=False, width=1),
    "zz": lambda at, culture: _offset_text(at, minutes=False),
    "zzz": lambda at, culture: _offset_text(at, minutes=True),
    "/": lambda at, culture: culture.date_separator,
    ":": lambda at, culture: culture.time_separator,
    **{"f" * digits: _fraction(digits) for digits in range(1, 8)},
    **{"F" * digits: _short_fraction(digits) for digits in range(1, 8)},
}
#: The longest field of each letter; longer ones mean the same.
_LONGEST = {key[0]: len(key) for key in sorted(_FIELDS, key=len) if key[0].isalpha()}

# Durations ---------------------------------------------------------------------------------------


def duration_text(length: timedelta) -> str:
    """Return a duration as `[-][d.]hh:mm:ss[.fffffff]`."""
    sign, size = ("-", -length) if length < timedelta() else ("", length)
    minutes, seconds = divmod(size.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{size.days}." if size.days else ""
    part = f".{size.microseconds:06}0" if size.microseconds else ""
    return f"{sign}{days}{hours:02}:{minutes:02}:{seconds:02}{part}"


_DURATION = re.compile(
    r"(?P<sign>-)?(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{1,2})"
    r"(?::(?P<seconds>\d{1,2})(?:\.(?P<part>\d{1,7}))?)?"
)


def parse_duration(text: str) -> timedelta:
    """Return the duration of a text such as `1.02:30:00`. Raises ValueError."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text} is not a duration, such as 1.02:30:00.")
    part = (found["part"] or "").ljust(6, "0")[:6]
    length = timedelta(
        days=int(found["days"] or 0),
        hours=int(found["hours"]),
        minutes=int(found["minutes"]),
        seconds=int(found["seconds"] or 0),
        microseconds=int(part),
    )
    return -length if found["sign"] else length


# Reading -----------------------------------------------------------------------------------------

_NAMES = {"ddd": "short_days", "dddd": "days", "MMM": "short_months", "MMMM": "months"}
_EXPRESSIONS = {
    "d": r"(?P<day>\d{1,2})",
    "dd": r"(?P<day>\d{2})",
    "g": r"A\.D\.",
    "h": r"(?P<half_hour>\d{1,2})",
    "hh": r"(?P<half_hour>\d{2})",
    "H": r"(?P<hour>\d{1,2})",
    "HH": r"(?P<hour>\d{2})",
    "K": r"(?P<offset>Z|[+-]\d{2}:\d{2})?",
    "m": r"(?P<minute>\d{1,2})",
    "mm": r"(?P<minute>\d{2})",
    "M": r"(?P<month>\d{1,2})",
    "MM": r"(?P<month>\d{2})",
    "s": r"(?P<second>\d{1,2})",
    "ss": r"(?P<second>\d{2})",
    "y": r"(?P<short_year>\d{1,2})",
    "yy": r"(?P<short_year>\d{2})",
    "yyy": r"(?P<year>\d{3,4})",
    "yyyy": r"(?P<year>\d{4})",
    "yyyyy": r"(?P<year>\d{5})",
    "z": r"(?P<offset>[+-]\d{1,2})",
    "zz": r"(?P<offset>[+-]\d{2})",
    "zzz": r"(?P<offset>Z|[+-]\d{1,2}:\d{2})",
    **{"f" * digits: rf"(?P<part>\d{{{digits}}})" for digits in range(1, 8)},
    **{"F" * digits: rf"(?P<part>\d{{0,{digits}}})" for digits in range(1, 8)},
}


#: What a text without a date is read as, unless something else is given.
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LARGEST_OFFSET = timedelta(hours=14)
_DATE_PARTS = ("year", "short_year", "month", "month_name", "day")


def parse_date(text: str, pattern: str, culture: Culture, now: datetime = _FIRST) -> datetime:
    """Return the date time of a text in exactly that format; without an offset in it, in UTC.

    As in .NET, a format without a date reads the date of `now`, and one without a year its year. A
    format that is nothing but text reads `now` itself.

    Raises ValueError for a text that does not fit, and InvalidFormat.
    """
    if pattern in ("R", "r"):
        pattern = "ddd, dd MMM yyyy HH:mm:ss 'GMT'"
    found = re.fullmatch(_expression(_expanded(pattern, culture), culture), text, re.I)
    if found is None:
        raise ValueError(f"{text} does not have the format {pattern}.")
    fields = found.groupdict()
    return _moment(fields, culture, now) if fields else now


def parse_any_date(text: str, culture: Culture) -> datetime:
    """Return the date time of a text in ISO form, or as people write one in that culture: a date
    with its month as a number or a name, and where they are told a time and an offset; without an
    offset, in UTC. Raises ValueError."""
    plain = " ".join(text.split())
    with suppress(ValueError):
        return _placed(datetime.fromisoformat(plain))
    for expression in _written_dates(culture.name):
        found = expression.fullmatch(plain)
        if found is None:
            continue
        fields = found.groupdict()
        if fields["half"]:
            fields["half_hour"] = fields["hour"]
        with suppress(ValueError):
            return _moment(fields, culture, _FIRST)
    raise ValueError(f"{text} is not a date time that this culture writes.")


def _placed(at: datetime) -> datetime:
    """Return a date time with its offset, UTC where it has none. Raises ValueError for an offset
    that is too large."""
    if abs(_offset(at)) > _LARGEST_OFFSET:
        raise ValueError(f"An offset is at most {_LARGEST_OFFSET // timedelta(hours=1)} hours.")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


#: Dates that are read in every culture, beside its own.
_DATES = ("d MMMM yyyy", "MMMM d, yyyy", "MMMM d yyyy", "yyyy/M/d")
_TIME = (
    r"(?:,? (?P<hour>\d{1,2}):(?P<minute>\d{1,2})"
    r"(?::(?P<second>\d{1,2})(?:\.(?P<part>\d{1,7}))?)?)?"
)
_OFFSET = r"(?: ?(?P<offset>Z|GMT|[+-]\d{1,2}:\d{2}))?"


@cache
def _written_dates(name: str) -> list[re.Pattern[str]]:
    """What reads the dates that people write in a culture, with or without the day's name, a time
    and an offset."""
    signs = culture_of(name)
    day = _any_of("day_name", (*signs.days, *signs.short_days))
    month = _any_of("month_name", (*signs.months, *signs.short_months))
    half = _any_of("half", signs.halves)
    loosely = _EXPRESSIONS | {
        "dd": _EXPRESSIONS["d"],
        "MM": _EXPRESSIONS["M"],
        "MMM": month,
        "MMMM": month,
        "yyyy": r"(?:(?P<year>\d{4})|(?P<short_year>\d{2}))",
        "/": "[-/.]",
    }
    own = (re.sub("dddd?[,.]? ?", "", signs.date_patterns[letter]) for letter in "dD")
    return [
        re.compile(
            f"(?:{day}[,.]? )?{_expression(date, signs, loosely)}{_TIME}(?: ?{half})?{_OFFSET}",
            re.I,
        )
        for date in (*own, *_DATES)
    ]


def _any_of(name: str, words: Iterable[str]) -> str:
    """A group of that name for any of the words, the longest first."""
    return f"(?P<{name}>{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})"


def _expression(
    pattern: str, culture: Culture, expressions: Mapping[str, str] = _EXPRESSIONS
) -> str:
    """The regular expression of a pattern, of which `expressions` read the fields."""
    written: list[str] = []
    seen: set[str] = set()
    for part in _parts(pattern):
        longest = part[0] * _LONGEST.get(part[0], 0)
        key = part if part in expressions or part in _NAMES else longest
        if key in expressions:
            one = expressions[key]
        elif key in _NAMES:
            name = "day_name" if key[0] == "d" else "month_name"
            one = _any_of(name, getattr(culture, _NAMES[key]))
        elif key in ("t", "tt"):
            one = _any_of("half", (half[:1] if key == "t" else half for half in culture.halves))
        else:
            one = re.escape(_separator(part, culture))
        # A field that stands twice has to say the same twice.
        name = found[1] if (found := re.match(r"\(\?P<(\w+)>", one)) else ""
        written.append(f"(?P={name})" if name and name in seen else one)
        seen.add(name)
    return "".join(written)


def _separator(part: str, culture: Culture) -> str:
    return {"/": culture.date_separator, ":": culture.time_separator}.get(part) or _literal(part)


def _moment(found: dict[str, str | None], culture: Culture, now: datetime) -> datetime:
    """Raises ValueError for parts that no calendar has."""
    part = (found.get("part") or "").ljust(6, "0")[:6]
    if any(found.get(name) for name in _DATE_PARTS):
        date = (_year(found) or now.year, _month(found, culture), int(found.get("day") or 1))
    else:
        date = (now.year, now.month, now.day)
    at = datetime(
        *date,
        _hour(found, culture),
        int(found.get("minute") or 0),
        int(found.get("second") or 0),
        int(part),
        tzinfo=UTC,
    )
    if (name := found.get("day_name")) and name.casefold() not in (
        _day_name(at, culture.days).casefold(),
        _day_name(at, culture.short_days).casefold(),
    ):
        raise ValueError(f"{at:%Y-%m-%d} is not a {name}.")
    return _with_offset(at, found.get("offset") or "Z")


def _with_offset(at: datetime, offset: str) -> datetime:
    if offset[0] not in "+-":  # Z or GMT
        return at
    hours, _, minutes = offset[1:].partition(":")
    size = timedelta(hours=int(hours), minutes=int(minutes or 0))
    text = f"{offset[0]}{size // timedelta(hours=1):02}:{int(minutes or 0):02}"
    return _placed(datetime.fromisoformat(at.replace(tzinfo=None).isoformat() + text))


def _year(found: dict[str, str | None]) -> int:
    if short := found.get("short_year"):
        return int(short) + (2000 if int(short) < 50 else 1900)
    return int(found.get("year") or 0)


def _month(found: dict[str, str | None], culture: Culture) -> int:
    if name := found.get("month_name"):
        names = [*culture.months, *culture.short_months]
        return [one.casefold() for one in names].index(name.casefold()) % 12 + 1
    return int(found.get("month") or 1)


def _hour(found: dict[str, str | None], culture: Culture) -> int:
    if (half_hour := found.get("half_hour")) is None:
        return int(found.get("hour") or 0)
    hour = int(half_hour)
    if not 1 <= hour <= 12:
        raise ValueError(f"{hour} is not an hour of half a day.")
    half = (found.get("half") or culture.halves[0]).casefold()
    return hour % 12 + 12 * culture.halves[1].casefold().startswith(half)
