"""The keys of commands on an execution's page: one key does one thing."""

import re
from collections import Counter

from django.conf import settings

from cortexweb.navigation import RAIL
from executions.commands import registry


def taken_by_the_page() -> set[str]:
    """The keys that the scripts of an execution's page listen to, and those that follow a g."""
    templates = settings.BASE_DIR / "templates" / "partials"
    listed = re.findall(r'data-detail="([^"{]+)"', (templates / "shortcut_list.html").read_text())
    found = {key for keys in listed for key in keys.split(" ")}
    return found | {"?", "g", *(item.key for item in RAIL)}


def test_a_key_has_a_button_in_the_toolbar() -> None:
    assert not [one.name for one in registry.COMMANDS.values() if one.key and not one.toolbar]


def test_no_two_commands_have_the_same_key() -> None:
    keys = Counter(one.key for one in registry.COMMANDS.values() if one.key)
    assert keys
    assert max(keys.values()) == 1, keys


def test_no_command_has_a_key_of_the_page() -> None:
    taken = taken_by_the_page()
    assert taken >= {"?", "g", "e", "f", "a", "[", "]", "b", "+", "-", "0", "Home", "End"}
    assert not [one.name for one in registry.COMMANDS.values() if one.key in taken]
