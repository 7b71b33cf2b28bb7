"""The values of answers to questions in templates."""

from typing import Any

from django import template

from flows import pretty_json, values

register = template.Library()


@register.filter
def answer_text(value: Any) -> str:
    """The value of an answer as people read it."""
    if isinstance(value, str):
        return values.legible(value)
    if isinstance(value, values.Masked):
        return values.MASK
    return "not given" if value is None else pretty_json.text(value)
