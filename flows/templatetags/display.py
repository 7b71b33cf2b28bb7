"""Template tags and filters of `flows.display`."""

from django import template
from django.conf import settings
from django.utils import timezone

from flows import display

register = template.Library()
register.simple_tag(display.icon)
register.simple_tag(display.ticking)
register.filter(display.clock)
register.filter("full_time", display.full)
register.filter(display.moment)
register.filter(display.duration)


@register.simple_tag
def server_zone() -> dict[str, str]:
    """The time zone that every page is written in, and how far it is from UTC today."""
    offset = f"{timezone.localtime():%z}"
    hours, minutes = int(offset[1:3]), offset[3:5]
    short = f"{offset[0]}{hours}" + (f":{minutes}" if minutes != "00" else "")
    return {"name": settings.TIME_ZONE, "offset": f"UTC{short}" if int(offset) else ""}


@register.simple_tag
def server_now() -> int:
    """The server's clock in milliseconds since the epoch; durations tick from it."""
    return display.milliseconds(timezone.now())


@register.filter
def initials(user: object) -> str:
    """Two letters for a person."""
    name = getattr(user, "get_full_name", str)() or str(user)
    words = name.replace(".", " ").replace("_", " ").split() or ["?"]
    letters = words[0][0] + words[-1][0] if len(words) > 1 else words[0][:2]
    return letters.upper()
