"""Questions in templates: the number in the rail, and the values of answers."""

from typing import Any

from django import template

from executions.questions import access
from flows import pretty_json, values

register = template.Library()

#: Open questions up to which they are counted.
COUNTED = 99


@register.simple_tag(takes_context=True)
def open_questions(context: Any) -> int:
    """How many questions wait for the user."""
    return access.count_open(context["request"].user, COUNTED + 1)


@register.filter
def answer_text(value: Any) -> str:
    """The value of an answer as people read it."""
    if isinstance(value, str):
        return values.legible(value)
    if isinstance(value, values.Masked):
        return values.MASK
    return "not given" if value is None else pretty_json.text(value)
