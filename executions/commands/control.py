"""Commands on an execution that exists: check who may and whether it applies, execute, audit."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from executions import access
from executions.commands import permissions, refusals
from executions.commands.actor import Actor, audit
from executions.commands.command import Command, Lease
from executions.commands.registry import COMMANDS
from executions.commands.request import CommandRequest, Refused
from executions.events import ExecutionChanged
from executions.models import Execution
from executions.publishing import publish
from executions.states import Status
from executions.store.debug import debug_lease
from executions.store.lifecycle import secret_storage
from executions.store.lifecycle.bulk_transitions import command_states


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
    declared = COMMANDS[command]
    state = command_states([execution.pk])[execution.pk]
    why = permissions.refusal(declared, user, state)
    if why := why or refusals.status_refusal(declared, state, seen):
        return _refuse(command, execution, actor, why)
    try:
        with transaction.atomic():
            taken = _lock_lease(declared, user, execution)
            if why := permissions.secrets_refusal(declared, user, execution.pk):
                raise Refused(why)
            done = declared.execute(CommandRequest(execution, user, actor, fields or {}))
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
    why = refusals.status_refusal(declared, command_states([execution.pk])[execution.pk], seen)
    return _refuse(command, execution, actor, why or "It has moved on meanwhile; try again.")


def _lock_lease(
    command: Command, user: access.User, execution: Execution
) -> list[ExecutionChanged]:
    """Make sure that nobody else debugs the execution until the transaction ends, and give the
    lease to whoever gives a command that takes it. Of two at once, one is refused."""
    if command.lease not in (Lease.TAKES, Lease.RESPECTS):
        return []
    control = debug_lease.lock(execution.pk)
    if control.ended or control.holder_id == user.pk:
        return []
    if control.holder_id is not None:
        raise Refused(permissions.lease_refusal(control.holder, control.since))
    return debug_lease.take([execution.pk], user) if command.lease is Lease.TAKES else []


def _refuse(command: str, execution: Execution, actor: Actor, detail: str) -> Result:
    audit(actor, command, execution, done=False, detail=detail)
    return Result(execution, done=False, detail=detail)
