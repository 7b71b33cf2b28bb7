"""Who may see, start and change which schedules: a schedule follows the rights of its flow."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404

from executions.access import User
from executions.models import Schedule
from flows import access, administrators
from flows.models import Flow
from flows.rights import FlowIds, rights_of
from flows.roles import Role

#: The permission for which the role *administer* stands.
CHANGE = "executions.change_schedule"


def visible(user: User) -> QuerySet[Schedule]:
    """Return the schedules of the flows that the user may see."""
    return Schedule.objects.filter(flow__in=access.visible(user))


def get_or_404(user: User, schedule_id: Any) -> Schedule:
    """Return a schedule that the user may see. Raises Http404 when there is none."""
    found = visible(user).select_related("flow", "version", "owner").filter(pk=schedule_id).first()
    if found is None:
        raise Http404("This schedule does not exist, or you may not see it.")
    return found


def changeable(user: User) -> FlowIds:
    """Return the ids of the flows whose schedules the user may make, change, switch and delete;
    None for every flow. They start on the user's behalf, so that takes the right to start too."""
    rights = rights_of(user)
    changed, started = rights.flows_with(CHANGE), rights.flow_ids(Role.START)
    if changed is None or started is None:
        return started if changed is None else changed
    return changed & started


def may_change(user: User, flow: Flow) -> bool:
    """Return whether the user may make, change, switch and delete schedules of a flow."""
    ids = changeable(user)
    return ids is None or flow.pk in ids


def not_allowed(flow: Flow) -> str:
    """Say that a person may not change schedules of a flow, and whom to ask."""
    return f"You may not change schedules of {flow.name}. {administrators.ask(flow)}"


def may_change_some(user: User) -> bool:
    """Return whether there is a flow whose schedules the user may change."""
    ids = changeable(user)
    return ids is None or bool(ids)


def may_pause_all(user: User) -> bool:
    """Return whether the user may pause all schedules at once: who may change every one."""
    return changeable(user) is None
