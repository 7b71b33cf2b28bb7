"""Commands on an execution that exists: check who may and whether it applies, execute, audit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import transaction

from executions import access
from executions.commands import (
    attach,
    break_on_exception,
    breakpoint,
    continue_,
    detach,
    force_stop,
    move_version,
    pause,
    retry,
    run_to,
    set_next,
    set_variable,
    step,
    step_out,
    step_over,
    stop,
)
from executions.commands.actor import Actor, audit
from executions.commands.order import Done, Order, Refused
from executions.live.publish import publish
from executions.models import Execution
from executions.states import Status, refusal

#: Every command: its name in URLs and audit entries → what it does. None means that the
#: execution had moved on meanwhile.
COMMANDS: dict[str, Callable[[Order], Done | None]] = {
    "attach": attach.execute,
    "break-on-exception": break_on_exception.execute,
    "breakpoint": breakpoint.execute,
    "continue": continue_.execute,
    "detach": detach.execute,
    "force-stop": force_stop.execute,
    "move-version": move_version.execute,
    "pause": pause.execute,
    "retry": retry.execute,
    "run-to": run_to.execute,
    "set-next": set_next.execute,
    "set-variable": set_variable.execute,
    "step": step.execute,
    "step-out": step_out.execute,
    "step-over": step_over.execute,
    "stop": stop.execute,
}

#: What others may do while somebody debugs an execution.
OPEN = frozenset({"detach", "stop", "force-stop", "retry"})


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a command: done, or refused with a sentence that says why."""

    execution: Execution
    done: bool
    detail: str = ""


def control(
    command: str,
    user: access.User,
    execution: Execution,
    actor: Actor,
    fields: Mapping[str, str] | None = None,
) -> Result:
    """Give a command to an execution that the user may see. KeyError for an unknown command."""
    execute = COMMANDS[command]
    if not access.may_control(user, execution.initiator_id):
        return _refuse(command, execution, actor, "You may look at it, but not control it.")
    status, debugger_id, debugger = Execution.objects.values_list(
        "status", "debugged_by_id", "debugged_by__username"
    ).get(pk=execution.pk)
    others = debugger_id is not None and debugger_id != user.pk
    if others and command not in OPEN and not Status(status).is_terminal:
        return _refuse(command, execution, actor, f"{debugger} debugs it; detach it first.")
    try:
        with transaction.atomic():
            done = execute(Order(execution, user, actor, fields or {}))
            if done is not None:
                audit(actor, command, execution, done=True, detail=done.detail)
                publish(done.changed)
                return Result(execution, done=True, detail=done.detail)
    except Refused as refused:
        return _refuse(command, execution, actor, str(refused))
    status = Execution.objects.values_list("status", flat=True).get(pk=execution.pk)
    why = refusal(command, Status(status)) or "It has moved on meanwhile; try again."
    return _refuse(command, execution, actor, why)


def _refuse(command: str, execution: Execution, actor: Actor, detail: str) -> Result:
    audit(actor, command, execution, done=False, detail=detail)
    return Result(execution, done=False, detail=detail)
