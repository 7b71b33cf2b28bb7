"""Who may see and handle which failure groups. Pages, WebSockets, admin and commands ask here.

Users see the groups of the executions that they see; `executions.handle_failure` allows owning,
muting and resolving them. Whoever sees a group may comment on it and watch it.
"""

from itertools import islice
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import Http404

from executions import access
from executions.models import FAILED, FailureGroup

#: Users of whom it is asked whether they see a group, to complete a name.
_READ = 50


def visible(user: access.User) -> QuerySet[FailureGroup]:
    """Return the failure groups that the user may see."""
    if access.sees_all(user):
        return FailureGroup.objects.all()
    failed = access.visible(user).filter(FAILED, failure__isnull=False)
    return FailureGroup.objects.filter(pk__in=failed.values("failure"))


def get_or_404(user: access.User, group_id: Any) -> FailureGroup:
    """Return a group that the user may see. Raises Http404 when there is none."""
    group = visible(user).select_related("flow", "owner").filter(pk=group_id).first()
    if group is None:
        raise Http404("This failure does not exist, or you may not see it.")
    return group


def may_handle(user: access.User) -> bool:
    """Return whether the user may own, mute and resolve the groups that they see."""
    return user.is_active and user.has_perm("executions.handle_failure")


def people(group: FailureGroup, typed: str = "", limit: int = 8) -> list[Any]:
    """Return active users who see the group, and whose name begins with `typed`, by name."""
    found = get_user_model()._default_manager.filter(is_active=True).order_by("username")
    if typed:
        beginning = Q(username__istartswith=typed) | Q(first_name__istartswith=typed)
        found = found.filter(beginning | Q(last_name__istartswith=typed))
    seeing = (user for user in found[:_READ] if visible(user).filter(pk=group.pk).exists())
    return list(islice(seeing, limit))


def named(group: FailureGroup, name: str) -> Any | None:
    """Return the active user of that name who sees the group; None when there is none."""
    found = get_user_model()._default_manager.filter(username=name, is_active=True).first()
    return found if found and visible(found).filter(pk=group.pk).exists() else None
