"""Signals that people and programs send."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from executions import audit
from executions.access import User
from executions.commands.actor import Actor
from executions.completion import wake_ready
from executions.models import Signal
from executions.publishing import publish
from executions.store.lifecycle import signals
from executions.store.lifecycle.shared_values import Giver, require_readable
from flows.blocks.shared_data import SendSignal
from flows.rights import rights_of

#: The permission for which the role *operate* on the whole site stands: a signal is of no flow.
SEND = "executions.send_signal"


def may_send(user: User) -> bool:
    """Return whether a user may send signals."""
    return rights_of(user).has(SEND)


def send(user: User, actor: Actor, name: str, key: str, payload: Any) -> Signal:
    """Send a signal, with an audit entry. Raises PermissionDenied and SecretRefused."""
    if not may_send(user):
        raise PermissionDenied(
            f"You may not send signals. Ask an administrator for the permission {SEND}, or for the "
            "role Operate on the whole site."
        )
    require_readable(payload)
    with transaction.atomic():
        sent = signals.send(SendSignal(name, key, payload), Giver(actor.name))
        audit.record(
            actor,
            "send-signal",
            object_kind="signal",
            object_id=sent.pk,
            object_name=str(sent),
        )
        publish(wake_ready())
    return sent
