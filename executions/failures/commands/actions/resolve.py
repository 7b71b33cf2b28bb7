"""Resolve: what failed is repaired. Seen again from there on, the group is regressed.

Field: `in`, one of now (in all versions, from now on), newest (in the newest version), next (in the
version that is published next).
"""

from executions.commands.request import CommandRefused
from executions.failures import versions
from executions.failures.commands.command import (
    UNSOLVED,
    Done,
    FailureCommand,
    FailureRequest,
    State,
)
from executions.failures.occurrences import NOT_MUTED


def execute(request: FailureRequest) -> Done:
    group, where = request.group, request.text("in") or "now"
    newest = versions.newest(group)
    wanted = {"now": None, "newest": newest, "next": newest + 1}
    if where not in wanted:
        raise CommandRefused("Choose where it is resolved: now, newest or next.")
    version = wanted[where]
    for name, value in NOT_MUTED.items():
        setattr(group, name, value)
    group.state, group.changed_at = State.RESOLVED, request.now
    group.resolved_in_version, group.regressed_in_version = version, None
    return Done(f"Resolved it in v{version}." if version else "Resolved it.", version=version)


COMMAND = FailureCommand(
    name="resolve",
    summary="Say that this failure is repaired. Seen again from there on, it counts as regressed.",
    icon="check",
    applies_to=UNSOLVED | {State.MUTED},
    execute=execute,
)
