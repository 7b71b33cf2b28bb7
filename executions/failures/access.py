"""Who may see and handle which failure groups. Pages, WebSockets, admin and commands ask here.

Users see the groups of the executions that they see; `executions.handle_failure` allows owning,
muting and resolving them. Whoever sees a group may comment on it and watch it.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.http import Http404

from executions import access
from executions.models import FAILED, Execution, FailureGroup
from flows.rights import rights_of

#: Whose permissions count; the product's backend has the same.
_HANDLE = "executions.handle_failure"
_BACKEND = "django.contrib.auth.backends.ModelBackend"


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


def as_seen(user: access.User, groups: Sequence[FailureGroup]) -> Sequence[FailureGroup]:
    """Return groups to be shown, not saved: for a user who sees only their own executions, how
    many failed so and when is told of these alone."""
    if not groups or access.sees_all(user):
        return groups
    own = access.visible(user).filter(FAILED, failure__in=[group.pk for group in groups])
    rows = own.order_by().values_list("failure")
    told = {
        group: (number, first, last)
        for group, number, first, last in rows.annotate(
            Count("pk"), Min("ended_at"), Max("ended_at")
        )
    }
    for group in groups:
        group.count, first, last = told.get(group.pk, (0, None, None))
        group.first_seen_at = first or group.first_seen_at
        group.last_seen_at = last or group.last_seen_at
    return groups


def may_handle(user: access.User, group: FailureGroup) -> bool:
    """Return whether the user may own, mute and resolve a group that they see."""
    ids = rights_of(user).flows_with(_HANDLE)
    return ids is None or group.flow_id in ids


def handles_some(user: access.User) -> bool:
    """Return whether the user may own, mute and resolve groups of some flow."""
    return access.allows_somewhere(user, _HANDLE)


def people(group: FailureGroup, typed: str = "", limit: int = 8) -> list[Any]:
    """Return active users who see the group, and whose name begins with `typed`, by name."""
    found = _seeing(group)
    if typed:
        beginning = Q(username__istartswith=typed) | Q(first_name__istartswith=typed)
        found = found.filter(beginning | Q(last_name__istartswith=typed))
    return list(found.order_by("username")[:limit])


def named(group: FailureGroup, name: str) -> Any | None:
    """Return the active user of that name who sees the group; None when there is none."""
    return _seeing(group).filter(username=name).first()


def _seeing(group: FailureGroup) -> QuerySet[Any]:
    """The active users who see a group, as `visible` says."""
    users: Any = get_user_model()._default_manager
    all_seeing = users.with_perm("executions.view_execution", backend=_BACKEND)
    own = Execution.objects.filter(FAILED, failure=group.pk, initiator=OuterRef("pk"))
    found: QuerySet[Any] = users.filter(is_active=True)
    return found.filter(Q(pk__in=all_seeing.values("pk")) | Exists(own))
