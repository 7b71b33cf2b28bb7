"""Parses the values that people type: numbers, moments and JSON.

Pure. Forms, flow files, the editor of variables and `start_flow` use the same rules. Refusals say
in plain words what to write instead.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, NoReturn

from flows import values
from flows.formats.dates import parse_duration

#: The most digits of a number; Python converts no more than that to text.
MOST_DIGITS = 4_300
#: What stands for an empty text.
EMPTY_TEXT = '""'
#: The most characters of a refused text that are repeated.
SHOWN = 80

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
#: A comma that stands before a fraction and not between thousands, as in 2,5 and 0,125.
_COMMA = re.compile(r"[+-]?(?:[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|0,[0-9]+)")
#: Numbers without digits, by their notation.
_WORDS = {
    "Infinity": math.inf,
    "+Infinity": math.inf,
    "-Infinity": -math.inf,
    "NaN": math.nan,
}
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]+([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?))?"
    r" *(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?",
    re.IGNORECASE,
)


class ParseError(ValueError):
    """A text that cannot be read as the expected value. The message says what to write, in whole
    sentences; `line` is the wrong line, from 1, or 0 when it is not known."""

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(values.storable(problem))  # it may repeat what was typed
        self.line = line

    @property
    def is_syntax(self) -> bool:
        """Return whether a text was meant as JSON but is not valid."""
        return bool(self.line)


def integer(text: str) -> int:
    """Return a whole number. Raises ParseError."""
    text = text.strip()
    if _INTEGER.fullmatch(text):
        return _digits(text)
    raise ParseError(_no_number(text, "Enter a whole number, such as 42"))


def number(text: str) -> int | float:
    """Return a number: an int when it is written as a whole one. Raises ParseError."""
    text = text.strip()
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return _digits(text)
    if _NUMBER.fullmatch(text):
        return real(text)
    if _COMMA.fullmatch(text):
        return real(text.replace(",", "."))
    raise ParseError(_no_number(text, "Enter a number, such as 2.5"))


def real(text: str) -> float:
    """Return the double nearest to a decimal number. Raises ParseError when it is out of range."""
    if len(text) > MOST_DIGITS:
        raise ParseError(f"Enter a number of at most {MOST_DIGITS:,} digits.")
    found = float(text)
    if math.isinf(found):
        raise ParseError(
            f"{_shown(text)} is too large. A Number goes up to about 1.8e308. Enter a smaller one."
        )
    if not found and re.search(r"[1-9]", re.split("[eE]", text)[0]):
        raise ParseError(
            f"{_shown(text)} is too close to 0. The smallest Number is about 5e-324. Enter 0."
        )
    return found


def _digits(text: str) -> int:
    if len(text.lstrip("+-")) > MOST_DIGITS:
        raise ParseError(f"Enter a number of at most {MOST_DIGITS:,} digits.")
    return int(text)


def _no_number(text: str, wanted: str) -> str:
    """Return what to write instead of a text that is not a number."""
    if not text:
        return f"{wanted}."
    plain = re.sub(r"[\s_,]", "", text)
    if any(char.isdigit() and not char.isascii() for char in text):
        return f"{wanted}, with the digits 0 to 9."
    if "," in text and _NUMBER.fullmatch(plain):
        return f"{wanted}, with a point before a fraction and nothing between thousands."
    if _NUMBER.fullmatch(plain):
        if plain != text:
            return f"{wanted}, without blanks or underscores."
        return f"{wanted}, without a fraction or an exponent."
    return f"{wanted}."


def boolean(text: str) -> bool:
    """Return true or false, as people write them. Raises ParseError."""
    match text.strip().lower():
        case "true" | "on" | "1" | "yes":
            return True
        case "false" | "off" | "0" | "no":
            return False
    raise ParseError("Enter true or false.")


def moment(text: str, zone: tzinfo = UTC) -> datetime:
    """Return a moment: a day, or a day with a time; without an offset it is in `zone`.

    Raises ParseError, also for a local time that the clocks skip or show twice.
    """
    found = _MOMENT.fullmatch(text.strip())
    if not found:
        raise ParseError("Enter a date and time, such as 2025-07-15 12:00 or 2025-07-15 12:00Z.")
    day, clock, offset = found.groups()
    try:
        local = datetime.fromisoformat(f"{day} {_clock(clock)}")
    except ValueError:
        raise ParseError(f"{_shown(text.strip())} is not a date in the calendar.") from None
    if offset is None:
        return _in_zone(local, zone)
    at = local.replace(tzinfo=_offset(offset))
    return values.with_offset(at)


def _clock(clock: str | None) -> str:
    """Return a time of day in Python's notation, with at most six digits of a fraction."""
    if clock is None:
        return "00:00"
    hour, _, rest = clock.partition(":")
    seconds, dot, fraction = rest.partition(".")
    return f"{hour.zfill(2)}:{seconds}" + (f".{fraction[:6].ljust(6, '0')}" if dot else "")


def _offset(text: str) -> tzinfo:
    if text in "Zz":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    ahead = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or ahead > values.FARTHEST_OFFSET:
        raise ParseError(f"The offset {text} does not exist. Offsets go from -14:00 to +14:00.")
    return timezone(-ahead if text[0] == "-" else ahead)


def _in_zone(local: datetime, zone: tzinfo) -> datetime:
    """Return a local time that exists exactly once. Raises ParseError for any other."""
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    before, after = first.utcoffset(), second.utcoffset()
    if before is None or after is None or before == after:
        # Only the offset is kept: stored values have no zones.
        return first.replace(tzinfo=timezone(before or timedelta()))
    one, other = (f"{at:%z}"[:3] + ":" + f"{at:%z}"[3:5] for at in (first, second))
    if before > after:
        problem = f"{local:%H:%M} occurs twice on {local:%Y-%m-%d}, when the clocks are put back."
        ways = f"{local:%Y-%m-%d %H:%M}{one} or {local:%Y-%m-%d %H:%M}{other}"
        raise ParseError(f"{problem} Choose one: {ways}.")
    raise ParseError(
        f"{local:%H:%M} does not exist on {local:%Y-%m-%d}, when the clocks are put forward. Enter "
        f"another time, or one with its offset, such as {local:%Y-%m-%d %H:%M}{other}."
    )


def value(text: str) -> Any:
    """Return the value of a JSON text in the typed form of `flows.values`. Raises ParseError."""
    return decoded(load(text))


def decoded(form: Any) -> Any:
    """Return the value of a typed JSON form that somebody has written. Raises ParseError."""
    try:
        if problem := unclear(form):
            raise ParseError(problem)
        found = values.decode(form)
        too_deep = values.too_deep(found)
    except ParseError:
        raise
    except (ValueError, TypeError) as error:
        raise ParseError(f"This is not a value: {error}.") from None
    except RecursionError:
        too_deep = True
    if too_deep:
        raise ParseError(f"A value can be nested up to {values.LEVELS} levels deep.")
    return found


def typed(kind: str, text: str) -> Any:
    """Return a value of a variable's type as people type it. A text that begins with = or \\ has a
    \\ before it, and "" stands for an empty one. Raises ParseError."""
    if kind == "Text":
        plain = "" if text.strip() == EMPTY_TEXT else text.replace("\r\n", "\n")
        return plain[1:] if plain[:2] in ("\\=", "\\\\") else plain
    return moment(text, UTC) if kind == "Date Time" else WRITTEN.get(kind, value)(text)


def load(text: str) -> Any:
    """Return the content of a JSON text. Raises ParseError, also for what parsers read differently:
    a key that occurs twice in one object, a number that is too large, NaN."""
    try:
        return json.loads(
            text.removeprefix("\ufeff"),  # the mark that editors put before UTF-8
            object_pairs_hook=unique_keys,
            parse_constant=_no_constant,
            parse_float=real,
            parse_int=_digits,
        )
    except json.JSONDecodeError as error:
        raise ParseError(
            f"This is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            error.lineno,
        ) from None
    except RecursionError:
        raise ParseError("This is nested too deeply.") from None


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object in which each key occurs once. Raises ParseError."""
    built = dict(pairs)
    if len(built) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ParseError(f"The key {_shown(twice)!r} occurs twice in one object. Remove one.")
    return built


def _no_constant(name: str) -> NoReturn:
    form = {"Infinity": "inf", "-Infinity": "-inf"}.get(name, "nan")
    raise ParseError(f'{name} is not JSON: write {{"$number": "{form}"}}.')


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def of_type(kind: str, zone: tzinfo = UTC) -> Callable[[str], Any]:
    """Return the parser of a type; types without a notation of their own use JSON."""
    if kind == "Date Time":
        return lambda text: moment(text, zone)
    return _PARSERS.get(kind, value)


def local_moment(text: str) -> datetime:
    """Return a date time without an offset. Raises ParseError."""
    found = _MOMENT.fullmatch(text.strip())
    if not found or found[3]:
        raise ParseError("Enter a date and time without an offset, such as 2025-07-15 12:00.")
    return moment(text, UTC).replace(tzinfo=None)


def duration(text: str) -> timedelta:
    """Return a duration: `1.02:30:00` or `PT90S`. Raises ParseError."""
    told = "Enter a duration, such as 00:01:30, 1.02:30:00 (days in front) or PT90S."
    try:
        if found := duration_of_iso(text.strip()):
            if found.get("Years") or found.get("Months"):
                raise ParseError(f"{told} Years and months are a Time Period.")
            return timedelta(**{part.lower(): amount for part, amount in found.items()})
        return parse_duration(text)
    except (ValueError, OverflowError):
        raise ParseError(told) from None


def duration_of_iso(text: str) -> dict[str, Any] | None:
    """Return the parts of a period in the notation of ISO 8601, such as `P1Y2M3DT4H`."""
    found = _ISO.fullmatch(text)
    if found is None or not any(found.group(name) for name in _ISO_PARTS):
        return None
    sign = -1 if found["sign"] else 1
    parts: dict[str, Any] = {}
    for name in _ISO_PARTS:
        if amount := found[name]:
            count = float(amount) if "." in amount else int(amount)
            whole = "Days" if name == "Weeks" else name
            parts[whole] = parts.get(whole, 0) + sign * count * (7 if name == "Weeks" else 1)
    return parts


def time_period(text: str) -> Any:
    """Return a time period: `P1Y2M`, or a structure as JSON. Raises ParseError."""
    if (found := duration_of_iso(text.strip())) is not None:
        return found
    period = value(text)
    if type(period) is dict and not set(period) - set(PERIOD_PARTS):
        return period
    raise ParseError(
        'Enter a time period, such as P1Y2M3D or {"Months": 1}. Its parts are '
        f"{', '.join(PERIOD_PARTS)}."
    )


def secret_text(text: str) -> Any:
    """Return a secret text. Raises ParseError for the mask of one."""
    return value(text) if text.lstrip().startswith('{"$secret"') else values.SecretText(text)


#: The parts of a time period, the longest first.
PERIOD_PARTS = ("Years", "Months", "Days", "Hours", "Minutes", "Seconds", "Milliseconds")
_ISO_PARTS = ("Years", "Months", "Weeks", "Days", "Hours", "Minutes", "Seconds")
_ISO = re.compile(
    r"(?P<sign>-)?P(?:(?P<Years>\d{1,5})Y)?(?:(?P<Months>\d{1,5})M)?(?:(?P<Weeks>\d{1,6})W)?"
    r"(?:(?P<Days>\d{1,7})D)?(?:T(?:(?P<Hours>\d{1,9})H)?(?:(?P<Minutes>\d{1,9})M)?"
    r"(?:(?P<Seconds>\d{1,12}(?:\.\d{1,6})?)S)?)?"
)
#: The parsers of types with a notation of their own.
_PARSERS: dict[str, Callable[[str], Any]] = {
    "Integer": integer,
    "Number": number,
    "Boolean": boolean,
    "Local Date Time": local_moment,
    "Duration": duration,
    "Time Period": time_period,
    "Secret Text": secret_text,
}
#: Those whose notation is a text in JSON.
WRITTEN = {
    kind: parser for kind, parser in _PARSERS.items() if parser not in (integer, number, boolean)
}
#: The types of which people write values otherwise than as JSON.
NOTED = ("Date Time", *_PARSERS)


#: The kinds of which `unclear` has something to say.
CHECKED = ("$datetime", "$number", "$items")


def unclear(form: Any) -> str:
    """What somebody who has written a typed JSON form did not say for certain, as a sentence; ""
    when it is clear: a moment without its offset, a number that is too large."""
    if isinstance(form, list):
        return next(filter(None, map(unclear, form)), "")
    if not isinstance(form, dict):
        return ""
    if len(form) == 1:
        ((tag, body),) = form.items()
        if tag == "$datetime" and isinstance(body, str):
            return _unclear_moment(body)
        if tag == "$number" and isinstance(body, str):
            return _unclear_number(body)
        if tag == "$items" and isinstance(body, list):
            return _unclear_items(body)
    return next(filter(None, map(unclear, form.values())), "")


def _unclear_items(items: list[Any]) -> str:
    """Two keys are the same when they have one form; 1, 1.0, true and "1" are four."""
    keys = [json.dumps(item[0]) for item in items if isinstance(item, list) and len(item) == 2]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        return f"The key {_shown(twice)} occurs twice in one structure. Remove one."
    return next(filter(None, map(unclear, items)), "")


def _unclear_moment(text: str) -> str:
    try:
        offset = datetime.fromisoformat(text).utcoffset()
    except ValueError:
        return ""  # no moment at all, as `decode` says
    if offset is None:
        return f"The moment {text} has no offset. Write {text}Z or {text}+01:00."
    if abs(offset) > values.FARTHEST_OFFSET:
        return f"The offset of {text} does not exist. Offsets go from -14:00 to +14:00."
    return ""


def _unclear_number(text: str) -> str:
    try:
        found = float(text)
    except ValueError:
        return ""
    if math.isinf(found) and "inf" not in text.lower():
        return f"{text[:80]} is too large. A Number goes up to about 1.8e308."
    return ""
