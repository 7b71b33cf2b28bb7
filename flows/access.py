"""Who may see and start which flows. Every page and command asks here."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404

from flows.models import Flow


def sees_flows(user: Any) -> bool:
    """Return whether the user may see flows: with `flows.view_flow` or `flows.start_flow`."""
    return bool(user.is_active and (user.has_perm("flows.view_flow") or may_start(user)))


def visible(user: Any) -> QuerySet[Flow]:
    """Return the flows that the user may see: all, or none."""
    return Flow.objects.all() if sees_flows(user) else Flow.objects.none()


def get(user: Any, name: str) -> Flow:
    """Return a flow by name. Raises Http404 when it does not exist or the user may not see it."""
    # PostgreSQL refuses NUL in text.
    flow = None if "\0" in name else visible(user).filter(name=name).first()
    if flow is None:
        raise Http404("This flow does not exist, or you may not see it.")
    return flow


def may_start(user: Any) -> bool:
    """Return whether the user may start flows."""
    return bool(user.is_active and user.has_perm("flows.start_flow"))
