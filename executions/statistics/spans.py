"""Spans of time, and their minutes, hours and days in a time zone. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

MINUTE = timedelta(minutes=1)
#: Steps by name, in minutes; days are counted by the calendar.
MINUTES = {"minute": 1, "hour": 60}
DAY = "day"
#: Buckets of one series.
MOST_BUCKETS = 5_000


@dataclass(frozen=True, slots=True)
class Span:
    """From the minute of `start`, up to the end of the minute of `end`."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        start, end = floor(self.start), ceiling(self.end)
        if end <= start:
            raise ValueError("A span has to end after its start.")
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)

    @classmethod
    def last(cls, length: timedelta, now: datetime | None = None) -> "Span":
        """The span that ends now."""
        end = now or datetime.now(UTC)
        return cls(end - length, end)

    @property
    def ends(self) -> list[datetime]:
        return [self.start, self.end]

    @property
    def before(self) -> "Span":
        """The span of the same length that ends where this one starts."""
        return self.earlier(self.end - self.start)

    def earlier(self, by: timedelta) -> "Span":
        return Span(self.start - by, self.end - by)


def floor(at: datetime) -> datetime:
    """Return the start of a minute, in UTC."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def ceiling(at: datetime) -> datetime:
    """Return the next minute that starts, in UTC."""
    whole = floor(at)
    return whole if whole == at else whole + MINUTE


def edges(span: Span, step: str | int, zone: tzinfo) -> list[datetime]:
    """Return where the buckets of a span begin, and its end.

    `step` is "minute", "hour", "day" or a number of minutes. Buckets begin where the clocks of the
    zone show a whole step; the first and the last are cut at the span.
    """
    if isinstance(step, int) and not 1 <= step <= 24 * 60:
        raise ValueError("A step is a minute at least and a day at most.")
    found = [span.start]
    for edge in _whole_steps(span.start, step, zone):
        if edge >= span.end:
            break
        found.append(edge)
        if len(found) > MOST_BUCKETS:
            raise ValueError(f"More than {MOST_BUCKETS} buckets: choose a longer step.")
    return [*found, span.end]


def _whole_steps(at: datetime, step: str | int, zone: tzinfo) -> Iterator[datetime]:
    """Yield the moments after `at` at which a step begins, in UTC.

    A day may have 23 or 25 hours. An hour that the clocks repeat comes twice, one that they leave
    out does not come.
    """
    length = timedelta(minutes=MINUTES.get(step, 24 * 60) if isinstance(step, str) else step)
    while True:
        local = at.astimezone(zone)
        rest = length - timedelta(hours=local.hour, minutes=local.minute) % length
        if length <= timedelta(hours=1):
            following = at + rest
        else:
            # By the clocks: a step is shorter or longer where they jump.
            following = (local.replace(fold=0, tzinfo=None) + rest).replace(tzinfo=zone)
        at = min(following.astimezone(UTC), _midnight_after(local, zone))
        yield at


def _midnight_after(local: datetime, zone: tzinfo) -> datetime:
    """Return when the next day of the calendar begins: at the first midnight where clocks show two,
    and when they jump where they show none."""
    day = local.date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
