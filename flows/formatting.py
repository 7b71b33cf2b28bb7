"""How pages write moments, durations and icons: one notation for the whole site.

`static/js/clock.js` writes the same durations while they tick in the browser.
"""

from datetime import UTC, datetime, timedelta
from functools import cache

from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString


def local(at: datetime) -> datetime:
    """Return a moment in the reader's time zone, or unchanged where the calendar ends before that.
    One without a zone is in UTC."""
    if timezone.is_naive(at):
        at = at.replace(tzinfo=UTC)
    try:
        return timezone.localtime(at)
    except (OverflowError, ValueError):
        return at


def clock(at: datetime | None, now: datetime | None = None) -> str:
    """Return a moment in the reader's time zone: `12:03:58` today, `14 Jul 02:00` this year, else
    `14 Jul 2024`."""
    if at is None:
        return ""
    told = local(at)
    today = timezone.localtime(now or timezone.now())
    if told.date() == today.date():
        return f"{told:%H:%M:%S}"
    if told.year == today.year:
        return f"{told.day} {told:%b %H:%M}"
    return f"{told.day} {told:%b} {told.year:04}"


def full(at: datetime | None) -> str:
    """Return a moment to the millisecond with its time zone, for titles."""
    if at is None:
        return ""
    told = local(at)
    clock = f"{told:%m-%d %H:%M:%S}.{told.microsecond // 1000:03} {told:%Z}"
    return f"{told.year:04}-{clock}"


def offset(at: datetime) -> str:
    """Return the offset of a moment: `UTC+2`, `UTC-3:30` or `UTC`."""
    told = f"{at:%z}"
    if not told or not int(told):
        return "UTC"
    return f"UTC{told[0]}{int(told[1:3])}" + (f":{told[3:5]}" if told[3:5] != "00" else "")


def moment(at: datetime | None, now: datetime | None = None) -> str:
    """Return a `<time>` element with a short text and the full moment as its title."""
    if at is None:
        return ""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(), full(at), clock(at, now)
    )


def duration(length: timedelta | float | None) -> str:
    """Return a duration: `340 ms`, `14.2 s`, `1 m 14 s`, `10 h 04 m`, `3 d 07 h`."""
    if length is None:
        return ""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    seconds = max(seconds, 0.0)
    if seconds < 1:
        return f"{int(seconds * 1000)} ms"
    if seconds < 60:
        return f"{int(seconds * 10) / 10:.1f} s"
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if not hours:
        return f"{minute} m {second:02} s"
    if not days:
        return f"{hour} h {minute:02} m"
    return f"{days} d {hour:02} h"


def milliseconds(at: datetime) -> int:
    """Return milliseconds since the epoch, as browsers count."""
    return int(at.timestamp() * 1000)


def ticking(start: datetime, end: datetime | None = None, *, text: str = "") -> str:
    """A duration that `clock.js` keeps counting until `end` is known; `text` is shown until then in
    place of what it is by now."""
    if end is not None:
        return format_html('<span class="dur">{}</span>', duration(end - start))
    return format_html(
        '<span class="dur" data-since="{}">{}</span>',
        milliseconds(start),
        text or duration(timezone.now() - start),
    )


def due_in(at: datetime) -> str:
    """How long it is until a moment, roughly: `in 48 s`, `in 11 m`, `in 10 h`, `in 3 d`.
    `count-down.js` keeps counting it."""
    return format_html(
        '<span class="dur" data-until="{}">{}</span>', milliseconds(at), _rough(at - timezone.now())
    )


def _rough(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    if seconds < 0:
        return "now"
    for unit, size, most in (("s", 1, 60), ("m", 60, 3600), ("h", 3600, 172_800)):
        if seconds < most:
            return f"in {seconds // size} {unit}"
    return f"in {seconds // 86_400} d"


@cache
def icon(name: str, size: str = "") -> SafeString:
    """One icon of the sprite `static/icons.svg`; sizes are xs 12, s 14, (none) 16 and l 20."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        f"icon {size}".strip(),
        static("icons.svg"),
        name,
    )


def short_id(key: object) -> str:
    """The beginning and the end of an id: when it was made, and what tells it from others."""
    text = str(key)
    return f"{text[:8]}…{text[-4:]}"
