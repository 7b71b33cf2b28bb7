"""Preferences of users, the saved views that they may see and change, and time zones."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Q, QuerySet
from django.http import Http404

from executions import audit
from executions.audit.states import state_of
from executions.commands.actor import Actor
from executions.models import Preferences, SavedView

#: What people read about a saved view that is not there for them.
VIEW_NOT_FOUND = "This view does not exist, or it is not shared with you."


def of(user: Any) -> Preferences:
    """Return the user's preferences, or unsaved defaults where there are none.

    They are read along with the user of a request (see `cortexweb.accounts`).
    """
    if not user.is_authenticated:
        return Preferences()
    try:
        chosen: Preferences = user.preferences
    except ObjectDoesNotExist:
        return Preferences(user_id=user.pk)
    return chosen


def save(chosen: Preferences, *fields: str) -> None:
    """Save these fields of preferences. The others stay, as another page may have changed them."""
    Preferences.objects.bulk_create([Preferences(user_id=chosen.user_id)], ignore_conflicts=True)
    chosen.save(force_update=True, update_fields=fields)


def save_audited(actor: Actor, chosen: Preferences, *fields: str) -> None:
    """Save these fields of preferences, with an entry of the audit trail where they differ: they
    decide what a person is told, or what the times on their pages mean."""
    stored = Preferences.objects.filter(user_id=chosen.user_id).first()
    before, after = state_of(stored or Preferences(user_id=chosen.user_id)), state_of(chosen)
    save(chosen, *fields)
    if any(before[name] != after[name] for name in fields):
        shown = [{name: state[name] for name in fields} for state in (before, after)]
        audit.record(
            actor,
            "change-preferences",
            object_kind="user",
            object_id=chosen.user_id,
            object_name=actor.name,
            before=shown[0],
            after=shown[1],
        )


def visible_saved_views(user: Any) -> QuerySet[SavedView]:
    """Return the views that the user may open: their own and those that others share."""
    if not user.is_authenticated or not user.is_active:
        return SavedView.objects.none()
    return SavedView.objects.filter(Q(owner_id=user.pk) | Q(shared=True)).select_related("owner")


def get_saved_view(user: Any, view_id: int) -> SavedView:
    """Return a view that the user may open. Raise Http404 for any other."""
    view = visible_saved_views(user).filter(pk=view_id).first()
    if view is None:
        raise Http404(VIEW_NOT_FOUND)
    return view


def may_change_saved_view(user: Any, view: SavedView) -> bool:
    """Whether the user may change, share and delete a view: as its owner, or as staff with the
    permission to change any."""
    if not user.is_authenticated or not user.is_active:
        return False
    staff = user.is_staff and user.has_perm("executions.change_savedview")
    return view.owner_id == user.pk or bool(staff)


# Time zones -----------------------------------------------------------------------------------


@cache
def time_zones() -> tuple[str, ...]:
    """Return the names of the time zones to choose from."""
    # Those without a slash are old names of others, and of offsets.
    return tuple(sorted(zone for zone in _all_time_zones() if "/" in zone or zone == "UTC"))


def is_time_zone(name: Any) -> bool:
    return isinstance(name, str) and name in _all_time_zones()


@cache
def _all_time_zones() -> frozenset[str]:
    return frozenset(available_timezones())
