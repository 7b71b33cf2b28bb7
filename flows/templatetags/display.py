"""Template tags and filters of `flows.display`."""

from django import template
from django.utils import timezone

from flows import display

register = template.Library()
register.simple_tag(display.icon)
register.simple_tag(display.ticking)
register.filter(display.clock)
register.filter("full_time", display.full)
register.filter(display.moment)
register.filter(display.duration)
register.filter("epoch", display.milliseconds)


@register.simple_tag
def server_zone() -> dict[str, str]:
    """The time zone that the page is written in, and how far it is from UTC today."""
    name = timezone.get_current_timezone_name()
    told = display.offset(timezone.localtime())
    return {"name": name, "offset": "" if told == name else told}


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


@register.filter
def grouped(number: int) -> str:
    """A number with its thousands apart: `5,000`."""
    return f"{number:,}"
