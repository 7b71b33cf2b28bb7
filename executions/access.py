"""Who may see, control and debug which executions. Pages, WebSockets, admin and commands ask here.

Signed-in users see and control what they started; `executions.view_execution` shows
everything, `executions.control_execution` controls it. Debugging takes
`executions.debug_execution` for the executions that they control (docs/permissions.md).
"""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import QuerySet
from django.http import Http404

from executions.models import Execution

User = AbstractUser | AnonymousUser

#: What people read about an execution that is not there for them.
NOT_FOUND = "This execution does not exist, or you may not see it."


def sees_all(user: User) -> bool:
    """Return whether the user may see every execution."""
    return user.is_active and user.has_perm("executions.view_execution")


def visible(user: User) -> QuerySet[Execution]:
    """Return the executions that the user may see."""
    if sees_all(user):
        return Execution.objects.all()
    if not user.is_authenticated or not user.is_active:
        return Execution.objects.none()
    return Execution.objects.filter(initiator_id=user.pk)


def only_initiator(user: User) -> int | None:
    """Return the id of the initiator whose executions are all that a signed-in user may see; None
    for a user who sees all. For tables that repeat the initiator of an execution."""
    return None if sees_all(user) else user.pk


def get_or_404(user: User, execution_id: Any) -> Execution:
    """Return an execution that the user may see. Raises Http404 when there is none."""
    execution = visible(user).select_related("version__flow").filter(pk=execution_id).first()
    if execution is None:
        raise Http404(NOT_FOUND)
    return execution


def may_control(user: User, initiator_id: int | None) -> bool:
    """Return whether the user may pause, continue, step or stop an execution of that initiator."""
    if not user.is_authenticated or not user.is_active:
        return False
    return initiator_id == user.pk or user.has_perm("executions.control_execution")


def has_debug_permission(user: User) -> bool:
    """Return whether the user may debug the executions that they control: step, set breakpoints,
    start paused, and change how one continues."""
    return user.is_active and user.has_perm("executions.debug_execution")


def may_debug(user: User, initiator_id: int | None) -> bool:
    """Return whether the user may debug an execution of that initiator."""
    return may_control(user, initiator_id) and has_debug_permission(user)


def next_debugger(
    asker_id: int | None, asker: str, initiator_id: int | None
) -> tuple[int | None, str]:
    """Return who has asked to debug such an execution, if they still may; else nobody."""
    user = get_user_model()._default_manager.filter(pk=asker_id).first() if asker_id else None
    return (asker_id, asker) if user is not None and may_debug(user, initiator_id) else (None, "")


def has_debug_secrets_permission(user: User) -> bool:
    """Return whether the user may also change how executions with secrets of others continue."""
    return user.is_active and user.has_perm("executions.debug_secrets")
