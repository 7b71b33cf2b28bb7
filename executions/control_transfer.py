"""What time does to who debugs an execution: what was asked for goes over, and what somebody left
is anybody's again. It comes round every second or two; idempotent."""

from uuid import UUID

from django.db import transaction

from executions import access, presence
from executions.models import AuditEntry, Execution
from executions.publishing import publish
from executions.store.debug import debug_lease
from executions.store.lifecycle import transitions


def settle() -> int:
    """One round. Returns how many executions changed hands."""
    settled = sum(_go_over(one) for one in debug_lease.unanswered())
    for one, root_id, user_id in debug_lease.held_long():
        if presence.has_left(root_id, user_id):
            settled += _let_go(one, user_id)
    return settled


def _go_over(execution_id: UUID) -> bool:
    """Give it to whoever asked and got no answer."""
    with transaction.atomic():
        family = transitions.lock_family(execution_id, tasks=True)
        if execution_id not in debug_lease.unanswered():
            return False
        control = debug_lease.lock(execution_id)
        next_id, name = _successor(execution_id, control)
        if next_id is None:
            # They may no longer debug it: whoever does keeps it.
            event = debug_lease.decline(execution_id, control.holder_id or 0)
            publish([event] if event else [])
            return False
        changed = debug_lease.pass_on(family, control.holder_id, next_id, name)
        _told(execution_id, next_id, name, f"{control.holder} did not answer")
        publish(changed)
        return bool(changed)


def _let_go(execution_id: UUID, user_id: int) -> bool:
    """Let somebody who has left debug it no longer."""
    with transaction.atomic():
        family = transitions.lock_family(execution_id, tasks=True)
        control = debug_lease.lock(execution_id)
        if control.ended or control.holder_id != user_id:
            return False
        changed = debug_lease.pass_on(family, user_id, *_successor(execution_id, control))
        _told(execution_id, user_id, control.holder, "left its page", "release")
        publish(changed)
        return bool(changed)


def _successor(execution_id: UUID, control: debug_lease.Control) -> tuple[int | None, str]:
    initiators = Execution.objects.values_list("initiator_id", flat=True)
    initiator_id = initiators.get(pk=execution_id) if control.asker_id else None
    return access.successor(control.asker_id, control.asker, initiator_id)


def _told(
    execution_id: UUID, user_id: int | None, name: str, detail: str, command: str = "take-over"
) -> None:
    flow_name = Execution.objects.values_list("flow_name", flat=True).get(pk=execution_id)
    AuditEntry.objects.create(
        execution_id=execution_id,
        flow_name=flow_name,
        user_id=user_id,
        actor=name,
        command=command,
        source="time",
        outcome=AuditEntry.Outcome.DONE,
        detail=detail,
    )
