"""Who may see, start, arrange and administer which flows. Every page and command asks here."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404

from flows.models import Flow
from flows.rights import FlowIds, rights_of
from flows.roles import Role


def seen(user: Any) -> FlowIds:
    """Return the ids of the flows that the user may see; None for every flow.

    Those who may start a flow see it. `executions.view_execution` shows executions only.
    """
    rights = rights_of(user)
    by_role = rights.flows_with("flows.view_flow")
    startable = rights.flow_ids(Role.START)
    return None if by_role is None or startable is None else by_role | startable


def sees_flows(user: Any) -> bool:
    """Return whether the user may see at least one flow, were it there."""
    ids = seen(user)
    return ids is None or bool(ids)


def visible(user: Any) -> QuerySet[Flow]:
    """Return the flows that the user may see."""
    ids = seen(user)
    return Flow.objects.all() if ids is None else Flow.objects.filter(pk__in=ids)


def get(user: Any, name: str) -> Flow:
    """Return a flow by name. Raises Http404 when it does not exist or the user may not see it."""
    # PostgreSQL refuses NUL in text.
    flow = None if "\0" in name else visible(user).filter(name=name).first()
    if flow is None:
        raise Http404("This flow does not exist, or you may not see it.")
    return flow


def may_start(user: Any, flow: Flow) -> bool:
    """Return whether the user may start a flow."""
    return rights_of(user).may(Role.START, flow.pk)


def may_author(user: Any, flow: Flow) -> bool:
    """Return whether the user may change drafts of a flow and publish them."""
    return rights_of(user).may(Role.AUTHOR, flow.pk)


def may_administer(user: Any, flow: Flow) -> bool:
    """Return whether the user may give rights on a flow, and schedule it."""
    return rights_of(user).may(Role.ADMINISTER, flow.pk)


def arranged(user: Any) -> FlowIds:
    """Return the ids of the flows that the user may arrange; None for every flow."""
    return rights_of(user).flows_with("flows.change_flow")


def may_arrange(user: Any, flow: Flow) -> bool:
    """Return whether the user may move a flow to folders and give it labels."""
    ids = arranged(user)
    return ids is None or flow.pk in ids
