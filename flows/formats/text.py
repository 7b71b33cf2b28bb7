"""Values as text, as the original joins them to texts and fills templates with them. Pure."""

import base64
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from flows.formats import json
from flows.formats.cultures import Culture
from flows.formats.dates import default_text, duration_text, format_date
from flows.formats.numbers import InvalidFormat, format_number


def text_of(value: Any, culture: Culture) -> str:
    """Return a value as text: `True`, `1` for 1.0, "" for null, one line of JSON for lists and
    structures."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "True" if value else "False"
        case int() | float():
            return format_number(value, "", culture)
        case datetime():
            return default_text(value, culture)
        case timedelta():
            return duration_text(value)
        case bytes():
            return base64.b64encode(value).decode("ascii")
    return json.write(value)


def formatted(value: Any, pattern: str, culture: Culture) -> str:
    """Return a value in a format; values that have no formats ignore it. Raises InvalidFormat."""
    if pattern and type(value) in (int, float):
        return format_number(value, pattern, culture)
    if pattern and isinstance(value, datetime):
        return format_date(value, pattern, culture)
    return text_of(value, culture)


#: A doubled brace, or `{name,width:format}`.
_PLACE = re.compile(r"\{\{|\}\}|\{([^{}:,]*)(?:,\s*(-?\d{1,4})\s*)?(?::([^{}]*))?\}|[{}]")
#: The widest column that a template may ask for.
WIDEST = 1000


def fill(template: str, values: Sequence[Any], culture: Culture) -> str:
    """Return a template with its places filled: `{0}`, `{1,10:C2}`. Doubled braces stand for one.

    Raises InvalidFormat for a place without a value, and for a brace without its pair.
    """

    def item(name: str) -> Any:
        if not name.strip().isdecimal():
            raise InvalidFormat(f"{{{name}}} is not the number of a value, such as {{0}}.")
        if int(name) >= len(values):
            raise InvalidFormat(f"{{{name}}} has no value: there are {len(values)}.")
        return values[int(name)]

    return fill_places(template, item, culture)


def fill_places(template: str, item: Callable[[str], Any], culture: Culture) -> str:
    """Return a template with each place filled with what `item` gives for its name. A place for
    which it raises KeyError stays. Raises InvalidFormat."""

    def place(found: re.Match[str]) -> str:
        part = found.group()
        if part in ("{{", "}}"):
            return part[0]
        if found[1] is None:
            raise InvalidFormat(f"The template has a {part} without its pair.")
        try:
            value = item(found[1])
        except KeyError:
            return part
        text = formatted(value, found[3] or "", culture)
        width = int(found[2] or 0)
        if abs(width) > WIDEST:
            raise InvalidFormat(f"A column is at most {WIDEST:,} characters wide.")
        return text.ljust(-width) if width < 0 else text.rjust(width)

    return _PLACE.sub(place, template)
