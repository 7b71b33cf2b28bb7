"""Cron expressions: what is wrong with one, its words, and the times of the clock that it names.

Pure. `cronsim` knows when, `cron-descriptor` the words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache

from cron_descriptor import ExpressionDescriptor, Options
from cronsim import CronSim, CronSimError
from cronsim.cronsim import FIELD_NAMES

#: Words for whole expressions.
ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
LONGEST = 200
#: Words that name times and no days.
_CLOCK = re.compile(r"At [0-9:, and]+")
_HOURS = frozenset(range(24))
_OPTIONS = Options(use_24hour_time_format=True, locale_code="en_GB")


@dataclass(frozen=True, slots=True)
class Part:
    """One field of an expression: its short name, and what it takes."""

    name: str
    takes: str


_LISTS = "Also * for any, ranges, lists and steps: 1-5, 1,15, */10."
SECOND = Part("second", f"The second takes 0 to 59. {_LISTS}")
PARTS = (
    Part("minute", f"The minute takes 0 to 59. {_LISTS}"),
    Part("hour", f"The hour takes 0 to 23. {_LISTS}"),
    Part(
        "day",
        f"The day of the month takes 1 to 31, L for the last day and LW for the last weekday. "
        f"{_LISTS}",
    ),
    Part("month", f"The month takes 1 to 12, or JAN to DEC. {_LISTS}"),
    Part(
        "weekday",
        "The weekday takes 0 to 7 or SUN to SAT, where 0 and 7 are Sunday; 5L is the last Friday "
        f"of the month, 1#2 the second Monday. {_LISTS}",
    ),
)


class CronError(ValueError):
    """What is wrong with an expression. `part` is the number of the bad field; None for all."""

    def __init__(self, text: str, part: int | None = None) -> None:
        super().__init__(text)
        self.part = part


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression that holds: five fields, or six with the seconds in front."""

    text: str
    #: The fields, written out.
    fields: tuple[str, ...]
    #: Whether it names no hours, and so also starts in an hour that comes twice.
    is_every_hour: bool
    #: How many starts an hour, and a day, that it names has.
    starts_an_hour: int
    starts_a_day: int

    def after(self, wall: datetime) -> Iterator[datetime]:
        """Yield the times of the clock that it names, after one; `wall` has no zone."""
        return CronSim(" ".join(self.fields), wall)

    def names_day(self, day: date) -> bool:
        """Return whether it names a day."""
        sim = CronSim(" ".join(self.fields), datetime.combine(day, time()))
        return day.month in sim.months and sim.match_day(day)

    @property
    def words(self) -> str:
        """The expression in words."""
        return words(self.fields)


def parts_of(count: int) -> tuple[Part, ...]:
    """Return the parts of an expression with so many fields."""
    return (SECOND, *PARTS) if count > len(PARTS) else PARTS


@lru_cache(maxsize=4096)
def parse(text: str) -> Cron:
    """Return the expression of a text. Raises CronError."""
    fields = _fields(text)
    try:
        sim = CronSim(" ".join(fields), datetime(2000, 1, 1))
    except CronSimError as error:
        raise _explained(str(error), fields) from None
    if next(iter(CronSim(" ".join(fields), datetime(2000, 1, 1))), None) is None:
        raise CronError("There is no such day: it would never start.", len(fields) - 3)
    starts = len(sim.seconds) * len(sim.minutes)
    return Cron(text.strip(), fields, sim.hours == _HOURS, starts, starts * len(sim.hours))


def _fields(text: str) -> tuple[str, ...]:
    text = text.strip()
    if not text:
        raise CronError("Write an expression, such as */5 6-21 * * 1-6.")
    if len(text) > LONGEST:
        raise CronError(f"An expression has {LONGEST} characters at most.")
    if text.startswith("@"):
        if text.lower() not in ALIASES:
            raise CronError(f"There is no {text}. There are {', '.join(ALIASES)}.")
        text = ALIASES[text.lower()]
    fields = tuple(text.upper().split())
    if len(fields) not in (len(PARTS), len(PARTS) + 1):
        raise CronError(
            "An expression has five parts: minute, hour, day, month, weekday. A sixth one in front "
            "is the second."
        )
    return fields


def _explained(problem: str, fields: tuple[str, ...]) -> CronError:
    name = problem.removeprefix("Bad ")
    if name not in FIELD_NAMES:
        return CronError(f"This is not a cron expression: {problem}.")
    number = FIELD_NAMES.index(name) - (len(FIELD_NAMES) - len(fields))
    part = parts_of(len(fields))[max(number, 0)]
    return CronError(f"“{fields[max(number, 0)]}” is no {part.name}. {part.takes}", max(number, 0))


@lru_cache(maxsize=4096)
def words(fields: tuple[str, ...]) -> str:
    """Return the words of an expression."""
    text = ExpressionDescriptor(" ".join(fields), _OPTIONS).get_description()
    is_every_day = fields[-3:] == ("*", "*", "*")
    return f"{text} every day" if is_every_day and _CLOCK.fullmatch(text) else text
