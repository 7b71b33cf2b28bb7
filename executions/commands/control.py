"""Commands on an execution that exists: check who may and whether it applies, execute, audit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import transaction

from executions import access
from executions.commands import refusals
from executions.commands.actor import Actor, audit
from executions.commands.debugging import (
    attach,
    break_on_exception,
    breakpoint,
    detach,
    hand_over,
    move_version,
    release,
    run_to,
    set_next,
    set_variable,
    step,
    step_out,
    step_over,
    take_over,
)
from executions.commands.lifecycle import continue_, force_stop, pause, retry, stop
from executions.commands.request import Done, Order, Refused
from executions.events import ExecutionChanged
from executions.models import Execution
from executions.publishing import publish
from executions.states import Status
from executions.store.debug import debug_lease
from executions.store.lifecycle import secret_storage
from executions.store.lifecycle.bulk_transitions import standings

#: Every command: its name in URLs and audit entries → what it does. None means that the
#: execution had moved on meanwhile.
COMMANDS: dict[str, Callable[[Order], Done | None]] = {
    "attach": attach.execute,
    "break-on-exception": break_on_exception.execute,
    "breakpoint": breakpoint.execute,
    "continue": continue_.execute,
    "detach": detach.execute,
    "force-stop": force_stop.execute,
    "hand-over": hand_over.execute,
    "keep-control": hand_over.keep,
    "move-version": move_version.execute,
    "pause": pause.execute,
    "release": release.execute,
    "retry": retry.execute,
    "run-to": run_to.execute,
    "set-next": set_next.execute,
    "set-variable": set_variable.execute,
    "step": step.execute,
    "step-out": step_out.execute,
    "step-over": step_over.execute,
    "stop": stop.execute,
    "take-over": take_over.execute,
}

#: Whoever gives one of these debugs the execution from then on.
DEBUGGING = frozenset(
    {
        "break-on-exception",
        "breakpoint",
        "run-to",
        "set-next",
        "set-variable",
        "step",
        "step-out",
        "step-over",
    }
)
#: Before these it is looked, with the execution locked, whether somebody else debugs it; the other
#: commands take families, in an order of their own.
ALONE = DEBUGGING | {"continue", "move-version", "pause"}


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
    seen: Status | None = None,
) -> Result:
    """Give a command to an execution that the user may see. KeyError for an unknown command.

    `seen` is the status in which they saw it; a refusal says what has changed since.
    """
    execute = COMMANDS[command]
    standing = standings([execution.pk])[execution.pk]
    if why := refusals.of_person(command, user, standing):
        return _refuse(command, execution, actor, why)
    try:
        with transaction.atomic():
            taken = _held(command, user, execution) if command in ALONE else []
            if why := refusals.of_secrets(command, user, execution.pk):
                raise Refused(why)
            done = execute(Order(execution, user, actor, fields or {}))
            if done is None:
                transaction.set_rollback(True)
            else:
                detail = secret_storage.covered(execution.secrets, done.detail)
                audit(actor, command, execution, done=True, detail=detail)
                publish(taken + done.changed)
                return Result(execution, done=True, detail=detail)
    except Refused as refused:
        detail = secret_storage.covered(execution.secrets, str(refused))
        return _refuse(command, execution, actor, detail)
    why = refusals.of_status(command, standings([execution.pk])[execution.pk], seen)
    return _refuse(command, execution, actor, why or "It has moved on meanwhile; try again.")


def _held(command: str, user: access.User, execution: Execution) -> list[ExecutionChanged]:
    """Make sure that nobody else debugs it until the transaction ends; whoever begins to debug it
    does from now on. Of two at once one is refused."""
    control = debug_lease.lock(execution.pk)
    if control.ended or control.holder_id == user.pk:
        return []
    if control.holder_id is not None:
        raise Refused(refusals.held_by(control.holder, control.since))
    return debug_lease.take([execution.pk], user) if command in DEBUGGING else []


def _refuse(command: str, execution: Execution, actor: Actor, detail: str) -> Result:
    audit(actor, command, execution, done=False, detail=detail)
    return Result(execution, done=False, detail=detail)
