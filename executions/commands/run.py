"""Giving commands to existing executions: check who may and whether it applies, execute, audit.

A command that has `execute_batch` is executed for many executions in one transaction, which costs a
few statements for all of them. The others are executed one by one. Whoever waits for a row that a
bulk command has locked, waits no longer than for one batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from django.db import OperationalError, transaction

from executions import audit
from executions.commands import permissions, refusals
from executions.commands.command import Command, DebugLeaseRule
from executions.commands.registry import COMMANDS
from executions.commands.request import CommandRefused, CommandRequest
from executions.events import ExecutionChanged
from executions.models import Execution
from executions.publishing import publish
from executions.store.debug import debug_lease
from executions.store.lifecycle import bulk_transitions, secret_storage
from executions.store.lifecycle.bulk_transitions import CommandState

_DELETED = "The execution has been deleted."


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What became of a command: done, or refused with a sentence that says why; and the execution
    that it started."""

    execution: Execution
    done: bool
    detail: str = ""
    started: UUID | None = None


def run_command(name: str, request: CommandRequest) -> CommandResult:
    """Give a command to an execution that the user may see. Raises KeyError for an unknown one."""
    command = COMMANDS[name]
    state = _current_state(request)
    if state is None:
        return CommandResult(request.execution, done=False, detail=_DELETED)
    if why := _refusal(command, request, state):
        return _refuse(command, request, why)
    try:
        with transaction.atomic():
            taken = _lock_lease(command, request)
            if why := permissions.secrets_refusal(command, request.user, request.execution.pk):
                raise CommandRefused(why)
            changes = command.execute(request)
            if changes is None:
                transaction.set_rollback(True)
            else:
                detail = _without_secrets(request, changes.detail)
                audit.record(request.actor, name, execution=request.execution, detail=detail)
                publish(taken + changes.events)
                return CommandResult(request.execution, True, detail, changes.started)
    except CommandRefused as refused:
        return _refuse(command, request, _without_secrets(request, str(refused)))
    now = _current_state(request)
    why = refusals.status_refusal(command, now, request.seen) if now else _DELETED
    return _refuse(command, request, why or "The execution has changed meanwhile. Try again.")


def run_commands(name: str, requests: Sequence[CommandRequest]) -> list[CommandResult]:
    """Give a command of one user to many executions that they may see. Returns a result for each,
    in the same order. Raises KeyError for an unknown command."""
    command = COMMANDS[name]
    if command.execute_batch and len(requests) > 1:
        try:
            return _run_batch(command, requests)
        except OperationalError as problem:
            if not isinstance(problem.__cause__, psycopg.errors.DeadlockDetected):
                raise
            # Others locked some of them in another order. One by one, no order is needed.
    return [run_command(name, request) for request in requests]


def _run_batch(command: Command, requests: Sequence[CommandRequest]) -> list[CommandResult]:
    assert command.execute_batch, "the caller has checked it"
    user, actor = requests[0].user, requests[0].actor
    ids = [request.execution.pk for request in requests]
    with transaction.atomic():
        bulk_transitions.lock(ids)
        states = bulk_transitions.command_states(ids)
        results = [_check(command, one, states.get(one.execution.pk)) for one in requests]
        accepted = [result.execution.pk for result in results if result.done]
        if accepted:
            taken = (
                debug_lease.acquire(accepted, user) if command.lease is DebugLeaseRule.TAKES else []
            )
            publish(taken + command.execute_batch(accepted))
        audit_log = [
            audit.entry(
                actor,
                command.name,
                execution=result.execution,
                done=result.done,
                detail=result.detail,
            )
            for result in results
            if result.execution.pk in states
        ]
        audit.write(audit_log)
    return results


def _check(command: Command, request: CommandRequest, state: CommandState | None) -> CommandResult:
    """The result of a command, before it is executed for all that accept it."""
    if state is None:
        return CommandResult(request.execution, done=False, detail=_DELETED)
    why = _refusal(command, request, state)
    return CommandResult(request.execution, done=not why, detail=why)


def _refusal(command: Command, request: CommandRequest, state: CommandState) -> str:
    return permissions.refusal(command, request.user, state) or refusals.status_refusal(
        command, state, request.seen
    )


def _current_state(request: CommandRequest) -> CommandState | None:
    return bulk_transitions.command_states([request.execution.pk]).get(request.execution.pk)


def _lock_lease(command: Command, request: CommandRequest) -> list[ExecutionChanged]:
    """Make sure that nobody else debugs the execution until the transaction ends, and give the
    lease to whoever gives a command that takes it. Of two at once, one is refused."""
    if command.lease not in (DebugLeaseRule.TAKES, DebugLeaseRule.RESPECTS):
        return []
    user, key = request.user, request.execution.pk
    lease = debug_lease.lock(key)
    if lease.ended or lease.holder_id == user.pk:
        return []
    if lease.holder_id is not None:
        raise CommandRefused(permissions.lease_refusal(lease.holder, lease.since))
    return debug_lease.acquire([key], user) if command.lease is DebugLeaseRule.TAKES else []


def _without_secrets(request: CommandRequest, detail: str) -> str:
    return secret_storage.redact(request.execution.secrets, detail)


def _refuse(command: Command, request: CommandRequest, detail: str) -> CommandResult:
    audit.record(
        request.actor, command.name, execution=request.execution, done=False, detail=detail
    )
    return CommandResult(request.execution, done=False, detail=detail)
