"""Who sees which entries of the audit trail."""

from typing import Any

from django.db.models import Q

from flows.rights import FlowIds, rights_of
from flows.roles import Role

_PERMISSION = "executions.view_auditentry"


def flow_ids(user: Any) -> FlowIds:
    """Return the flows whose entries a user sees, since they administer these; None for all."""
    return rights_of(user).flows_with(_PERMISSION)


def condition(user: Any) -> Q:
    """Return the condition for the entries that a user sees: all, or those of the flows that they
    administer and what they did themselves. An API token may be limited to some flows."""
    ids, rights = flow_ids(user), rights_of(user)
    if ids is None:
        return Q()
    if not user.is_authenticated or not user.is_active:
        return Q(pk__in=[])
    own, names = Q(user_id=user.pk), rights.names_of(ids)
    within = rights.names_of(rights.own_flow_ids(Role.SEE))
    if within is not None:
        own &= Q(flow_name__in=sorted(within))
    return own | Q(flow_name__in=sorted(names)) if names else own


def sees_others(user: Any) -> bool:
    """Return whether a user sees more than what they did themselves."""
    ids = flow_ids(user)
    return ids is None or bool(ids)
