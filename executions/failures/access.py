"""Who may see and handle which failure groups. Pages, WebSockets, admin and commands ask here.

Users see the groups of the executions that they see; `executions.handle_failure` allows owning,
muting and resolving them. Whoever sees a group may comment on it and watch it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import (
    Aggregate,
    Case,
    Count,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.http import Http404

from executions import access
from executions.models import FAILED, Execution, FailureGroup
from flows import queries
from flows.models import Grant
from flows.rights import rights_of

#: Whose permissions count; the product's backend has the same.
_HANDLE = "executions.handle_failure"
_BACKEND = "django.contrib.auth.backends.ModelBackend"


#: What is counted of a group, by its column, and how of the executions that somebody sees.
_COUNTED: Mapping[str, Aggregate] = {
    "count": Count("pk"),
    "first_seen_at": Min("ended_at"),
    "last_seen_at": Max("ended_at"),
}


def visible(user: access.User) -> QuerySet[FailureGroup]:
    """Return the failure groups that the user may see."""
    flows = access.seen_flows(user)
    if flows is None:
        return FailureGroup.objects.all()
    own = Execution.objects.filter(access.own(user).condition(), FAILED, failure__isnull=False)
    return FailureGroup.objects.filter(Q(pk__in=own.values("failure")) | Q(flow__in=flows))


def sees_whole(user: access.User, group: FailureGroup) -> bool:
    """Return whether the user sees every execution of a group."""
    flows = access.seen_flows(user)
    return flows is None or group.flow_id in flows


def get_or_404(user: access.User, group_id: Any) -> FailureGroup:
    """Return a group that the user may see. Raises Http404 when there is none."""
    group = visible(user).select_related("flow", "owner").filter(pk=group_id).first()
    if group is None:
        raise Http404("This failure does not exist, or you may not see it.")
    return group


def as_seen(user: access.User, groups: Sequence[FailureGroup]) -> Sequence[FailureGroup]:
    """Return groups to be shown, not saved: of one of which a user sees only their own executions,
    how many failed so and when is told of these alone."""
    parted = [group for group in groups if not sees_whole(user, group)]
    if not parted:
        return groups
    own = access.visible(user).filter(FAILED, failure__in=[group.pk for group in parted])
    rows = own.order_by().values_list("failure")
    told = {
        group: (number, first, last)
        for group, number, first, last in rows.annotate(
            Count("pk"), Min("ended_at"), Max("ended_at")
        )
    }
    for group in parted:
        group.count, first, last = told.get(group.pk, (0, None, None))
        group.first_seen_at = first or group.first_seen_at
        group.last_seen_at = last or group.last_seen_at
    return groups


def seen_column(user: access.User, column: str) -> str:
    """Return the column by which groups are ordered for a user (`with_seen_numbers`)."""
    is_counted = column in _COUNTED and access.seen_flows(user) is not None
    return f"seen_{column}" if is_counted else column


def with_seen_numbers(
    user: access.User, groups: QuerySet[FailureGroup], columns: Collection[str]
) -> QuerySet[FailureGroup]:
    """Return groups with what an order by these columns needs, so that it tells nobody of
    executions that they do not see: the numbers are those of `as_seen`."""
    whole = access.seen_flows(user)
    for column in columns:
        if whole is None or column not in _COUNTED:
            continue
        seen = Execution.objects.filter(
            access.own(user).condition(), FAILED, failure=OuterRef("pk")
        ).order_by()
        own = Subquery(seen.values("failure").annotate(told=_COUNTED[column]).values("told"))
        told = Case(When(flow__in=whole, then=F(column)), default=own)
        groups = groups.annotate(**{f"seen_{column}": told})
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
    # Every role includes See.
    grants = Grant.objects.filter(queries.reaching(group.flow))
    has_role = Q(grants__in=grants) | Q(groups__grants__in=grants)
    found: QuerySet[Any] = users.filter(is_active=True)
    sees = Q(pk__in=all_seeing.values("pk")) | Exists(own)
    return found.filter(sees | Q(pk__in=users.filter(has_role).values("pk")))
