"""Values in templates; all take the value itself, not its stored form."""

from datetime import datetime
from typing import Any

from django import template

from flows import pretty_json, values
from flows.blocks.errors import MEANINGS, help_link
from flows.values import ExceptionValue, Masked, SecretText

register = template.Library()
register.filter("pretty", pretty_json.lines)
register.filter("json_text", pretty_json.text)
register.filter("is_inline", pretty_json.is_inline)
register.filter("value_summary", values.summary)
register.filter("type_name", values.type_name)
register.filter("article", values.article)


@register.filter
def type_mark(value: Any) -> str:
    """One or two characters for a type."""
    match value:
        case bool():
            return "?"
        case None:
            return "0"
        case int() | float():
            return "#"
        case str():
            return "T"
        case list():
            return "[]"
        case dict():
            return "{}"
        case datetime():
            return "D"
        case ExceptionValue():
            return "!"
        case Masked() | SecretText():
            return "•"
    return "·"


@register.filter
def safe_link(address: str | None) -> str:
    """An address that may stand in a link: of the web, or a path of this site."""
    text = (address or "").strip()
    is_path = text.startswith("/") and not text.startswith(("//", "/\\"))
    return text if is_path or text.lower().startswith(("https://", "http://")) else ""


@register.filter
def help_of(exception: ExceptionValue) -> str:
    """Where the help pages tell of an exception that came without a link; "" for types of flows."""
    return help_link(exception.short_type) if exception.type in MEANINGS else ""
