"""How much work the repeating events of an iCalendar file make, by its text: libraries read every
time of a rule, from the first one on, also those of years that nobody asks for."""

import re
from datetime import date

#: Times that the rules of a file may have, from the first ones until now.
MOST_TIMES = 1_000_000
_MOST_A_DAY = 24
#: Times a day of a rule, by its frequency alone. Anything finer is of no use for days.
_TIMES_A_DAY = {"YEARLY": 1 / 365, "MONTHLY": 1 / 30, "WEEKLY": 1 / 7, "DAILY": 1.0, "HOURLY": 24.0}
_OF_DAYS = ("BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO")
_OF_TIMES = ("BYHOUR", "BYMINUTE", "BYSECOND")
_FOLDED = re.compile(r"\r?\n[ \t]")
_YEAR = re.compile(r"\d{4}")


def problem_of(text: str) -> str:
    """Say why the repeating events of a file are too many to be read; empty when they are not."""
    times, first, rules = 0.0, 1970, list[str]()
    for line in _FOLDED.sub("", text).splitlines():
        name, _, value = line.partition(":")
        name = name.partition(";")[0].strip().upper()
        if name == "DTSTART" and (year := _YEAR.match(value)):
            first = int(year[0])
        elif name in ("RRULE", "EXRULE"):
            rules.append(value.strip().upper())
        elif name in ("BEGIN", "END"):
            days = 366 * max(date.today().year + 1 - first, 1)
            for rule in rules:
                if (often := _times_a_day(rule)) is None:
                    return f"It has a rule that cannot be used for days: {rule[:200]}"
                times += days * often
            first, rules = 1970, []
    return f"Its events repeat more than {MOST_TIMES:,} times." if times > MOST_TIMES else ""


def _times_a_day(rule: str) -> float | None:
    """Return how often something happens a day by a rule, at most; None where that is more often
    than an hour, or it is no rule."""
    parts = dict(part.partition("=")[::2] for part in rule.split(";"))
    often = _TIMES_A_DAY.get(parts.get("FREQ", ""))
    interval = parts.get("INTERVAL", "1")
    if often is None or not interval.isdecimal() or not int(interval):
        return None
    if any(key in parts for key in _OF_DAYS):
        often = max(often, _count(parts, "BYMONTH") / 12 if "BYMONTH" in parts else 1.0)
    elif "BYMONTH" in parts:
        often = max(often, often * _count(parts, "BYMONTH"))
    for key in _OF_TIMES:
        often *= _count(parts, key)
    return often if often <= _MOST_A_DAY else None


def _count(parts: dict[str, str], key: str) -> int:
    return parts.get(key, "").count(",") + 1
