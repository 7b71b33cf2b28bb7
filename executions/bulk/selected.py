"""A command for executions that somebody names: executed while they wait, or by a job."""

from collections.abc import Mapping
from uuid import UUID

from executions.access import User
from executions.bulk import jobs, targets
from executions.commands.actor import Actor
from executions.commands.registry import COMMANDS
from executions.commands.request import CommandRequest
from executions.commands.run import CommandResult, run_commands
from executions.models import BulkJob
from executions.states import Status

#: How many executions a command takes while somebody waits: in a batch, and one by one. More make
#: a job.
AT_ONCE = 200
ONE_BY_ONE = 20


def give(  # noqa: PLR0913 (who, what, for which, how)
    user: User,
    actor: Actor,
    command: str,
    fields: Mapping[str, str],
    chosen: Mapping[UUID, Status | None],
    *,
    child_first: bool = False,
) -> BulkJob | list[CommandResult]:
    """Give a command to those of the executions that the user may see. Returns the results, or the
    job that was created.

    `chosen` has the status in which they saw each, where it is known.
    """
    executions = targets.selected(user, list(chosen), child_first=child_first)
    if len(executions) > (AT_ONCE if COMMANDS[command].execute_batch else ONE_BY_ONE):
        statuses = {str(one.pk): chosen[one.pk] or "" for one in executions}
        target = targets.Target(chosen=statuses, child_first=child_first)
        return jobs.create(actor, command, fields, target, len(executions))
    requests = [CommandRequest(one, user, actor, fields, chosen[one.pk]) for one in executions]
    return run_commands(command, requests)
