"""Transfers debugging when its holder does not answer a request, or has left.

Runs every two seconds. Running it twice does no harm.
"""

from uuid import UUID

from django.db import transaction

from executions import access, audit, presence
from executions.commands.actor import Actor
from executions.commands.command import Command
from executions.commands.debugging import release, take_over
from executions.models import Execution
from executions.publishing import publish
from executions.store.debug import debug_lease
from executions.store.lifecycle import transitions


def transfer_leases() -> int:
    """Transfer every debug lease that is due. Returns how many executions changed hands."""
    transferred = sum(_transfer_requested(one) for one in debug_lease.unanswered())
    for execution_id, root_id, user_id in debug_lease.long_held():
        if presence.has_left(root_id, user_id):
            transferred += _transfer_abandoned(execution_id, user_id)
    return transferred


def _transfer_requested(execution_id: UUID) -> bool:
    """Give the lease to whoever has asked for it and got no answer."""
    with transaction.atomic():
        family = transitions.lock_family(execution_id, tasks=True)
        if execution_id not in debug_lease.unanswered():
            return False
        lease = debug_lease.lock(execution_id)
        next_id, name = _successor(execution_id, lease)
        if next_id is None:
            # They may no longer debug it, so its holder keeps it.
            event = debug_lease.decline_transfer(execution_id, lease.holder_id or 0)
            publish([event] if event else [])
            return False
        changed = debug_lease.transfer(family, lease.holder_id, next_id, name)
        _audit(take_over.COMMAND, execution_id, next_id, name, f"{lease.holder} did not answer")
        publish(changed)
        return bool(changed)


def _transfer_abandoned(execution_id: UUID, user_id: int) -> bool:
    """Release the lease of somebody who has left, to whoever has asked for it."""
    with transaction.atomic():
        family = transitions.lock_family(execution_id, tasks=True)
        lease = debug_lease.lock(execution_id)
        if lease.ended or lease.holder_id != user_id:
            return False
        changed = debug_lease.transfer(family, user_id, *_successor(execution_id, lease))
        _audit(release.COMMAND, execution_id, user_id, lease.holder, "left its page")
        publish(changed)
        return bool(changed)


def _successor(execution_id: UUID, lease: debug_lease.DebugLease) -> tuple[int | None, str]:
    """Who has asked for the lease, if they may still debug the execution."""
    if not lease.asker_id:
        return None, ""
    execution = Execution.objects.only("initiator_id", "flow_name").get(pk=execution_id)
    return access.next_debugger(lease.asker_id, lease.asker, execution)


def _audit(
    command: Command, execution_id: UUID, user_id: int | None, name: str, detail: str
) -> None:
    execution = Execution.objects.only("pk", "flow_name").get(pk=execution_id)
    audit.record(Actor(user_id, name, "time"), command.name, execution=execution, detail=detail)
