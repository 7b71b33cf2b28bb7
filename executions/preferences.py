"""What users have chosen, and the views that they may see and change."""

from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Q, QuerySet
from django.http import Http404

from executions.models import Preferences, SavedView


def of(user: Any) -> Preferences:
    """The user's preferences, which come along when a request's user is read (see
    `cortexweb.accounts`); unsaved defaults where there are none."""
    if not user.is_authenticated:
        return Preferences()
    try:
        chosen: Preferences = user.preferences
    except ObjectDoesNotExist:
        return Preferences(user_id=user.pk)
    return chosen


def visible_views(user: Any) -> QuerySet[SavedView]:
    """The views that the user may open: their own, and what others share."""
    if not user.is_authenticated or not user.is_active:
        return SavedView.objects.none()
    return SavedView.objects.filter(Q(owner_id=user.pk) | Q(shared=True)).select_related("owner")


def get_view(user: Any, view_id: int) -> SavedView:
    """One view that the user may open. Raises Http404 for others and for none alike."""
    view = visible_views(user).filter(pk=view_id).first()
    if view is None:
        raise Http404("There is no such view, or it is not shared with you.")
    return view


def may_change(user: Any, view: SavedView) -> bool:
    """Whether the user may change, share and delete a view: its owner, and staff who may change
    any."""
    if not user.is_authenticated or not user.is_active:
        return False
    staff = user.is_staff and user.has_perm("executions.change_savedview")
    return view.owner_id == user.pk or bool(staff)
