"""Signals: who may see, send and delete them; sending and deleting by people and programs.

A signal is of no flow: rights on the whole site count. That an execution waits for one is shown to
those who see the execution.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404

from executions import access, audit
from executions.access import User
from executions.commands.actor import Actor
from executions.completion import wake_ready
from executions.models import Signal, Waiter
from executions.publishing import publish
from executions.store.lifecycle import flow_signals
from executions.store.lifecycle.shared_values import Giver, require_readable
from flows import administrators
from flows.blocks.shared_data import SendSignal
from flows.rights import rights_of

#: The permission for which the role *operate* on the whole site stands: a signal is of no flow.
SEND = "executions.send_signal"

#: Those for which the roles *see* and *administer* on the whole site stand.
_SEE = "executions.view_signal"
_DELETE = "executions.delete_signal"
NOT_FOUND = "This signal has been taken or deleted, or you may not see it."


def visible(user: User) -> QuerySet[Signal]:
    """Return the signals that wait to be taken and that a user may see."""
    return Signal.objects.all() if may_see(user) else Signal.objects.none()


def waiting(user: User) -> QuerySet[Waiter]:
    """Return the executions that wait for a signal and that a user may see."""
    seen = access.visible(user)
    return Waiter.objects.filter(scope="", execution__in=seen).select_related("execution")


def may_see(user: User) -> bool:
    """Return whether a user may see signals."""
    return rights_of(user).has(_SEE)


def may_delete(user: User) -> bool:
    """Return whether a user may delete the signals that they see."""
    return rights_of(user).has(_DELETE)


def get_or_404(user: User, signal_id: Any) -> Signal:
    """Return a signal that the user may see. Raises Http404 when there is none."""
    found = visible(user).filter(pk=signal_id).first()
    if found is None:
        raise Http404(NOT_FOUND)
    return found


def delete(user: User, actor: Actor, signal_id: Any) -> Signal:
    """Delete a signal that nobody has taken yet, with an audit entry. Raises PermissionDenied, and
    Http404 when it is gone."""
    found = get_or_404(user, signal_id)
    if not may_delete(user):
        raise PermissionDenied(f"You may not delete signals. {administrators.ask_about(user)}")
    with transaction.atomic():
        if not flow_signals.delete(found):
            raise Http404(NOT_FOUND)
        audit.record(
            actor,
            "delete-signal",
            object_kind="signal",
            object_id=found.pk,
            object_name=str(found),
        )
    return found


def may_send(user: User) -> bool:
    """Return whether a user may send signals."""
    return rights_of(user).has(SEND)


def send(user: User, actor: Actor, name: str, key: str, payload: Any) -> Signal:
    """Send a signal, with an audit entry. Raises PermissionDenied and SecretRefused."""
    if not may_send(user):
        raise PermissionDenied(
            f"You may not send signals. That takes the permission {SEND}, or the role Operate on "
            f"the whole site. {administrators.ask_about(user)}"
        )
    require_readable(payload)
    with transaction.atomic():
        sent = flow_signals.send(SendSignal(name, key, payload), Giver(actor.name))
        audit.record(
            actor,
            "send-signal",
            object_kind="signal",
            object_id=sent.pk,
            object_name=str(sent),
        )
        publish(wake_ready())
    return sent
