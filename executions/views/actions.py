"""The action bar of the grid: which commands there are, and when each applies."""

from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from executions import idempotency
from executions.access import User, is_debugger
from executions.commands.refusals import DEBUGS
from executions.grid.query.filters import Filters
from executions.grid.table.layout import Children
from executions.states import APPLIES, APPLIES_TO_UNHANDLED, UNHANDLED, Status, words

#: The commands of the bar and their icons.
COMMANDS = {
    "continue": "play",
    "pause": "pause",
    "step": "step",
    "stop": "stop",
    "retry": "retry",
}
#: Where there is no room for all, the lowest moves into the menu first (static/js/fitting.js); the
#: numbers between are those of the other buttons.
FOLDS = {"continue": 10, "pause": 8, "step": 7, "stop": 9, "retry": 5}
#: What has been done to an execution, in a sentence about many.
PAST = {
    "continue": "continued",
    "pause": "paused",
    "step": "stepped",
    "stop": "stopped",
    "force-stop": "force-stopped",
    "retry": "retried",
}


def bar(user: User, filters: Filters, children: Children) -> dict[str, Any]:
    """What the bar needs: the commands that the user may give to some, and where each leads for all
    that match, with the order in which it goes through families when that is not the usual one."""
    order = [("children", str(children))] if children is Children.CHILD_FIRST else []
    address = urlencode(filters.parameters() + order)
    commands = [
        {
            **_command(name, icon),
            "all": reverse("bulk", args=[name]) + (f"?{address}" if address else ""),
            "fold": FOLDS[name],
        }
        for name, icon in commands_for(user).items()
    ]
    return {
        "commands": commands,
        "force_stop": _command("force-stop", "stop"),
        "set_next": [s for s in Status if s in APPLIES["set-next"] and is_debugger(user)],
        "form": idempotency.new_key(),
        "filters": address,
        "compare": _compare(),
    }


def commands_for(user: User) -> dict[str, str]:
    """The commands of the bar and their icons, without those that take a permission which the
    user lacks."""
    debugs = is_debugger(user)
    return {name: icon for name, icon in COMMANDS.items() if debugs or name not in DEBUGS}


def _command(name: str, icon: str) -> dict[str, Any]:
    return {
        "name": name,
        "word": words(name),
        "icon": icon,
        "applies": [s for s in Status if s in APPLIES[name]],
        "unhandled": UNHANDLED if name in APPLIES_TO_UNHANDLED else "",
    }


def _compare() -> str:
    """Where two executions are compared; empty as long as there is no such page."""
    try:
        return reverse("executions-compare")
    except NoReverseMatch:
        return ""
