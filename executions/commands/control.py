"""Commands on an execution that exists: check who may and whether it applies, execute, audit."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from executions import access
from executions.commands import continue_, pause, step, stop
from executions.commands.actor import Actor, audit
from executions.live.events import ExecutionChanged
from executions.live.publish import publish
from executions.models import Execution
from executions.states import Status, refusal

#: Every command: its name in URLs and audit entries → what it does. None means that the
#: execution had moved on meanwhile.
COMMANDS: dict[str, Callable[[UUID], list[ExecutionChanged] | None]] = {
    "continue": continue_.execute,
    "pause": pause.execute,
    "step": step.execute,
    "stop": stop.execute,
}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a command: done, or refused with a sentence that says why."""

    execution: Execution
    done: bool
    detail: str = ""


def control(command: str, user: access.User, execution: Execution, actor: Actor) -> Result:
    """Give a command to an execution that the user may see. KeyError for an unknown command."""
    execute = COMMANDS[command]
    if not access.may_control(user, execution.initiator_id):
        return _refuse(command, execution, actor, "You may look at it, but not control it.")
    with transaction.atomic():
        changed = execute(execution.pk)
        if changed is not None:
            audit(actor, command, execution, done=True)
            publish(changed)
            return Result(execution, done=True)
    status = Execution.objects.values_list("status", flat=True).get(pk=execution.pk)
    return _refuse(command, execution, actor, refusal(command, Status(status)))


def _refuse(command: str, execution: Execution, actor: Actor, detail: str) -> Result:
    audit(actor, command, execution, done=False, detail=detail)
    return Result(execution, done=False, detail=detail)
