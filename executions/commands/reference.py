"""The reference of the commands (docs/commands.md), written from their declarations."""

from executions.commands.command import Bulk, Command, DebugLeaseRule
from executions.commands.registry import COMMANDS

_HEAD = """\
# Commands

A command is given to one execution from its page, or to many from the grid. It is refused, with a
sentence that says why, when the person may not give it or the execution is in another status. Each
one leaves an entry in the audit of the execution. [Permissions](permissions.md) tell who may do
what.
"""

_FOOT = """\
## This page

It is written from the declarations in `executions/commands/` by
`manage.py command_reference --write`.
"""

_LEASES = {
    DebugLeaseRule.RESPECTS: "It is refused while somebody else debugs the execution.",
    DebugLeaseRule.TAKES: (
        "It is refused while somebody else debugs the execution. Whoever gives it debugs the "
        "execution from then on."
    ),
    DebugLeaseRule.CHANGES: "It is refused while somebody else debugs the execution.",
    DebugLeaseRule.IGNORES: "It may be given while somebody else debugs the execution.",
}
_BULK = {
    Bulk.NO: "",
    Bulk.SELECTED: "selected executions",
    Bulk.MATCHING: "selected executions, and all that match a filter",
}


def markdown() -> str:
    """The whole page."""
    commands = COMMANDS.values()
    parts = [_HEAD, "| command | name | key | what it does |\n|---|---|---|---|"]
    parts += [_row(command) for command in commands]
    parts.append("")
    parts += [_section(command) for command in commands]
    parts.append(_FOOT)
    return "\n".join(parts)


def _row(command: Command) -> str:
    key = " ".join(f"`{part}`" for part in command.shortcut)
    return f"| {command.label} | `{command.name}` | {key} | {command.summary} |"


def _section(command: Command) -> str:
    lines = [f"## {command.label}\n", command.summary]
    if command.details:
        lines += ["", command.details]
    lines += ["", f"- Applies to executions that are {command.targets}."]
    if command.permission:
        lines.append(f"- Takes the permission `{command.permission}`.")
    if command.debugs:
        lines.append("- Takes the permission to debug.")
    if command.diverts:
        lines.append(
            "- Takes the permission to debug secrets where the execution holds secrets of others."
        )
    lines.append(f"- {_LEASES[command.lease]}")
    if command.bulk is not Bulk.NO:
        lines.append(f"- The grid offers it for {_BULK[command.bulk]}.")
    return "\n".join(lines) + "\n"
