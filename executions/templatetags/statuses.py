"""The status of an execution in a template: `{% status x %}`, `{% status_icon "Error" %}`."""

from typing import Any

from django import template

from executions import appearance
from executions.commands import registry
from executions.commands.command import Command
from flows.formatting import icon

register = template.Library()


@register.inclusion_tag("partials/status.html")
def status(execution: Any, pill: bool = False) -> dict[str, Any]:
    """Icon and word; `execution` is anything with status, place, reason and unhandled."""
    state = (execution.status, execution.place, execution.reason)
    unhandled = execution.unhandled
    return {
        "pill": pill,
        "tone": appearance.css_class(execution.status, unhandled=unhandled),
        "icon": appearance.icon_name(*state[:2], unhandled=unhandled),
        "word": appearance.label(*state, unhandled=unhandled),
        "explanation": appearance.description(*state, unhandled=unhandled),
    }


@register.filter
def command_label(name: str) -> str:
    """The command of an audit entry as people read it."""
    return appearance.command_label(name)


@register.simple_tag
def commands_with_keys() -> list[Command]:
    """The commands that have a key on the page of an execution."""
    return [command for command in registry.toolbar() if command.key]


@register.simple_tag
def status_icon(status: str, place: str = "", size: str = "s", unhandled: bool = False) -> str:
    """The icon alone; the word has to stand beside it."""
    return icon(appearance.icon_name(status, place, unhandled=unhandled), size)
