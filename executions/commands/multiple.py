"""Giving one command to many executions: together where it is a guarded transition, which costs a
few statements for all of them, else one by one.

Whoever is in the way of a bulk command waits for it no longer than for a batch.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import psycopg
from django.db import OperationalError, transaction

from executions import access
from executions.commands import permissions, refusals
from executions.commands.actor import Actor, entry
from executions.commands.command import Command, Lease
from executions.commands.control import Result, control
from executions.commands.registry import COMMANDS
from executions.models import AuditEntry, Execution
from executions.publishing import publish
from executions.states import Status
from executions.store.debug import debug_lease
from executions.store.lifecycle import bulk_transitions

Seen = Mapping[UUID, Status]


def control_all(
    command: str,
    user: access.User,
    executions: Sequence[Execution],
    actor: Actor,
    fields: Mapping[str, str] | None = None,
    seen: Seen | None = None,
) -> list[Result]:
    """Give a command to executions that the user may see; a result each, in their order.

    `seen` are the statuses in which the person saw them. KeyError for an unknown command.
    """
    if COMMANDS[command].execute_batch and len(executions) > 1:
        try:
            return _together(command, user, executions, actor, seen or {})
        except OperationalError as problem:
            if not isinstance(problem.__cause__, psycopg.errors.DeadlockDetected):
                raise
            # Others took some of them in another order: one at a time there is no order.
    return [
        control(command, user, one, actor, fields, (seen or {}).get(one.pk)) for one in executions
    ]


def _together(
    command: str, user: access.User, executions: Sequence[Execution], actor: Actor, seen: Seen
) -> list[Result]:
    declared = COMMANDS[command]
    assert declared.execute_batch, "the command knows how to do it for a batch"
    ids = [one.pk for one in executions]
    with transaction.atomic():
        bulk_transitions.lock(ids)
        states = bulk_transitions.command_states(ids)
        results = [
            _judged(declared, user, one, states.get(one.pk), seen.get(one.pk)) for one in executions
        ]
        accepted = [result.execution.pk for result in results if result.done]
        if accepted:
            taken = debug_lease.take(accepted, user) if declared.lease is Lease.TAKES else []
            publish(taken + declared.execute_batch(accepted))
        AuditEntry.objects.bulk_create(
            entry(actor, command, result.execution, done=result.done, detail=result.detail)
            for result in results
            if result.execution.pk in states
        )
    return results


def _judged(
    command: Command,
    user: access.User,
    execution: Execution,
    state: bulk_transitions.CommandState | None,
    seen: Status | None,
) -> Result:
    if state is None:
        return Result(execution, done=False, detail="It was deleted meanwhile.")
    why = permissions.refusal(command, user, state) or refusals.status_refusal(command, state, seen)
    return Result(execution, done=not why, detail=why)
