"""Failures in templates: heads of columns, buttons of commands, bars, and mentions."""

import re

from django import template
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

from executions.failures.commands.actions.comment import MENTION
from executions.failures.commands.registry import COMMANDS
from executions.failures.comparison import Shared
from executions.models import FailureActivity, FailureGroup
from flows.formatting import icon

register = template.Library()

#: The icons of what a group does by itself; a command has its own.
_ICONS = {"new": "open", "regressed": "undo", "unmuted": "bell"}
_BAR = 96


@register.inclusion_tag("failures/column_head.html")
def failure_head(heads: dict[str, tuple[str, str, str]], key: str, classes: str) -> dict[str, str]:
    """The head of a column by which the groups can be sorted."""
    label, address, order = heads[key]
    return {"key": key, "classes": classes, "label": label, "address": address, "order": order}


@register.inclusion_tag("failures/button.html")
def failure_button(
    name: str, group: FailureGroup, label: str, classes: str = ""
) -> dict[str, object]:
    """The button of a command, in a form of the group."""
    return {"command": COMMANDS[name], "group": group, "label": label, "classes": classes}


@register.simple_tag
def shared_bar(shared: Shared) -> SafeString:
    """The share of the failures as a bar, with a mark at the share of those that ended well."""
    width = _BAR * shared.share
    ended = shared.ended_share
    told = f"{shared.failed} of {shared.failed_of} here"
    mark = SafeString("")
    if ended is not None:
        told += f", {shared.ended_percent} of those that ended well"
        path = f"M{min(_BAR - 1, max(1, _BAR * ended)):.1f} -1v10"
        mark = format_html('<path d="{0}" class="halo"/><path d="{0}" class="mark"/>', path)
    return format_html(
        '<svg class="share" width="96" height="8" role="img" aria-label="{}">'
        '<rect width="96" height="8" rx="4" class="whole-bar"/>'
        '<rect width="{}" height="8" rx="4" class="{}"/>{}</svg>',
        told,
        f"{width:.1f}",
        "apart" if shared.is_apart else "alike",
        mark,
    )


@register.simple_tag
def activity_icon(kind: str) -> SafeString:
    """The icon of what happened."""
    command = COMMANDS.get(kind)
    return icon(command.icon if command else _ICONS.get(kind, "open"), "xs")


@register.filter
def mentioned(activity: FailureActivity) -> SafeString:
    """The text of an activity, with the users whom it mentions marked."""
    if activity.kind != FailureActivity.Kind.COMMENT:
        return conditional_escape(activity.text)
    known = set(activity.mentions)
    pieces: list[tuple[str]] = []
    at = 0
    for match in re.finditer(MENTION, activity.text):
        name = match[1] if match[1] in known else match[1].rstrip(".")
        if name not in known:
            continue
        pieces.append((conditional_escape(activity.text[at : match.start()]),))
        pieces.append((format_html('<b class="mention">@{}</b>', name),))
        at = match.start() + 1 + len(name)
    pieces.append((conditional_escape(activity.text[at:]),))
    return format_html_join("", "{}", pieces)
