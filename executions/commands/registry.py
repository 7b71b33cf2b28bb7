"""The commands on existing executions, found in the files of `lifecycle` and `debugging`."""

from types import ModuleType

from executions.commands import debugging, lifecycle
from executions.commands.command import Bulk, Command
from flows.discovery import declarations

#: The packages whose modules may declare a `COMMAND`.
PACKAGES = (lifecycle, debugging)


def find(packages: tuple[ModuleType, ...] = PACKAGES) -> dict[str, Command]:
    """The command that each module of the packages declares, by name, in the order of the toolbar,
    its menu, and names."""
    found = [command for package in packages for command in declarations(package, "COMMAND")]
    return {command.name: command for command in sorted(found, key=_position)}


def _position(command: Command) -> tuple[int, int, str]:
    last = 1_000_000
    return (command.toolbar or last, command.menu or last, command.name)


#: Every command by its name. Read it when it is needed, so that tests can add to it.
COMMANDS = find()


def toolbar() -> list[Command]:
    """The commands of the toolbar on an execution's page."""
    return [command for command in COMMANDS.values() if command.toolbar]


def menu() -> list[Command]:
    """The commands of the toolbar's menu."""
    return [command for command in COMMANDS.values() if command.menu]


def bulk(*kinds: Bulk) -> list[Command]:
    """The commands that the grid offers in these ways."""
    return [command for command in COMMANDS.values() if command.bulk in kinds]
