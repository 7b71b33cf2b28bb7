"""The action bar of the grid: its commands, and the statuses that each applies to."""

from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from executions import idempotency
from executions.access import User
from executions.commands import registry
from executions.commands.command import Bulk, Command
from executions.commands.debugging import set_next
from executions.grid.query.filters import Filters
from executions.grid.table.layout import ChildOrder
from executions.states import LIVE, UNHANDLED, Status


def bar(user: User, filters: Filters, children: ChildOrder) -> dict[str, Any]:
    """The context of the bar. Each command has the address of its preview for all executions that
    match, with the order of parents and children if that is not the usual one."""
    order = [("children", str(children))] if children is ChildOrder.CHILD_FIRST else []
    address = urlencode(filters.parameters() + order)
    commands = [
        {
            **_button(command),
            "all": reverse("bulk", args=[command.name]) + (f"?{address}" if address else ""),
        }
        for command in commands_for(user, Bulk.MATCHING)
    ]
    return {
        "live_commands": [one for one in commands if one["command"].applies_to <= LIVE],
        "commands": [one for one in commands if not one["command"].applies_to <= LIVE],
        "menu": [_button(command) for command in commands_for(user, Bulk.SELECTED)],
        "set_next": _statuses(set_next.COMMAND) if set_next.COMMAND.is_offered(user) else [],
        "form": idempotency.new_key(),
        "filters": address,
        "compare": _compare(),
    }


def commands_for(user: User, *kinds: Bulk) -> list[Command]:
    """The commands that the grid offers in these ways and that the user may give somewhere."""
    return [command for command in registry.bulk(*kinds) if command.is_offered(user)]


def _button(command: Command) -> dict[str, Any]:
    return {
        "command": command,
        "statuses": _statuses(command),
        "unhandled": UNHANDLED if command.applies_to_unhandled else "",
    }


def _statuses(command: Command) -> list[Status]:
    return [status for status in Status if status in command.applies_to]


def _compare() -> str:
    """The page that compares two executions; empty if there is none."""
    try:
        return reverse("executions-compare")
    except NoReverseMatch:
        return ""
