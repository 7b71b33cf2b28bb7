"""The commands on failure groups, found in the files of `actions`."""

from executions.failures.commands import actions
from executions.failures.commands.command import FailureCommand
from flows.discovery import declarations

#: Every command by its name.
COMMANDS: dict[str, FailureCommand] = {
    command.name: command for command in declarations(actions, "COMMAND")
}
