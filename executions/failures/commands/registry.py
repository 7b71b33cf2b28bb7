"""The commands on failure groups, found in the files of `actions`."""

import pkgutil
from importlib import import_module

from executions.failures.commands import actions
from executions.failures.commands.command import FailureCommand


def find() -> dict[str, FailureCommand]:
    """The command that each module of `actions` declares, by name."""
    names = [one.name for one in pkgutil.iter_modules(actions.__path__, f"{actions.__name__}.")]
    found: list[FailureCommand] = [import_module(name).COMMAND for name in names]
    return {command.name: command for command in found}


#: Every command by its name.
COMMANDS = find()
