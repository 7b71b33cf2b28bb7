"""Template tags and filters: how pages write moments, durations, icons and addresses."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django import template
from django.utils import timezone

from flows import formatting
from flows.blocks import reference

register = template.Library()
register.simple_tag(formatting.icon)
register.simple_tag(formatting.ticking)
register.simple_tag(formatting.due_in)
register.filter(formatting.clock)
register.filter("full_time", formatting.full)
register.filter(formatting.moment)
register.filter(formatting.short_id)
register.filter(formatting.duration)
register.filter("epoch", formatting.milliseconds)
register.filter("help_anchor", reference.anchor)


@register.simple_tag
def server_zone() -> dict[str, str]:
    """The time zone that the page is written in, and how far it is from UTC today."""
    name = timezone.get_current_timezone_name()
    told = formatting.offset(timezone.localtime())
    return {"name": name, "offset": "" if told == name else told}


@register.simple_tag
def server_now() -> int:
    """The server's clock in milliseconds since the epoch; durations tick from it."""
    return formatting.milliseconds(timezone.now())


@register.filter
def initials(user: object) -> str:
    """Two letters for a person."""
    name = getattr(user, "get_full_name", str)() or str(user)
    words = name.replace(".", " ").replace("_", " ").split() or ["?"]
    letters = words[0][0] + words[-1][0] if len(words) > 1 else words[0][:2]
    return letters.upper()


@register.filter
def grouped(number: int) -> str:
    """A number with its thousands apart: `5,000`."""
    return f"{number:,}"


@register.filter
def in_zone(at: datetime, zone: str) -> datetime:
    """Return a moment by the clocks of a time zone, for the filter `date`."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
