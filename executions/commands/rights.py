"""Commands on rights: give people and groups roles on a flow, a folder or the whole site."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, Group
from django.core.exceptions import PermissionDenied

from executions import audit
from executions.access import User
from executions.commands.actor import Actor
from executions.commands.request import CommandRefused
from flows import access, administrators
from flows.models import Flow, Folder, Grant
from flows.queries import folder_paths
from flows.roles import Role

Holder = AbstractUser | Group
#: A flow, a folder, or the whole site.
Place = Flow | Folder | None

_GIVE, _WITHDRAW = "give-role", "withdraw-role"


def give(user: User, actor: Actor, holder: Holder, place: Place, role: Role | None) -> str:
    """Give somebody a role on a place, instead of the one that they have there; None takes that
    away. Returns what was done, as a sentence.

    Raises PermissionDenied, and CommandRefused where nobody would administer the site any more.
    """
    require_may_give(user, actor, place)
    return apply(actor, holder, place, role)


def require_may_give(user: User, actor: Actor, place: Place) -> None:
    """Raise PermissionDenied, with an entry in the audit, where the user may not give rights."""
    if not access.may_give(user, place):
        why = f"You may not give rights on {name_of(place)}."
        about: audit.About = {**_about(place), "done": False, "detail": why}
        audit.record(actor, _GIVE, **about)
        raise PermissionDenied(f"{why} {administrators.ask(place)}")


def apply(actor: Actor, holder: Holder, place: Place, role: Role | None) -> str:
    """Do so for somebody who may, as on the command line. Raises CommandRefused."""
    try:
        with administrators.keeping_one():
            before = _apply(holder, place, role)
            if before != role:
                _record(actor, holder, place, role, before=before)
    except administrators.LastAdministrator as refused:
        _record(actor, holder, place, role, done=False, detail=str(refused))
        raise CommandRefused(str(refused)) from None
    what = role.label if role else "no role"
    if before == role:
        return f"{holder} has {what} on {name_of(place)} already."
    return f"{holder} has {what} on {name_of(place)} now."


def _apply(holder: Holder, place: Place, role: Role | None) -> Role | None:
    """Write it, and return the role that there was."""
    key = {
        "group" if isinstance(holder, Group) else "user": holder,
        "flow": place if isinstance(place, Flow) else None,
        "folder": place if isinstance(place, Folder) else None,
    }
    held = Grant.objects.select_for_update().filter(**key)
    if role is None:
        grant = held.first()
        if grant is not None:
            grant.delete()
        return Role(grant.role) if grant is not None else None
    grant, is_new = held.get_or_create(**key, defaults={"role": role})
    before = None if is_new else Role(grant.role)
    if before is not None and before != role:
        grant.role = role
        grant.save(update_fields=["role"])
    return before


def _record(  # noqa: PLR0913 (what an entry says)
    actor: Actor,
    holder: Holder,
    place: Place,
    role: Role | None,
    *,
    before: Role | None = None,
    done: bool = True,
    detail: str = "",
) -> None:
    kind = "group" if isinstance(holder, Group) else "user"
    old, new = (one.label if one else "none" for one in (before, role))
    about: audit.About = {
        **_about(place),
        "done": done,
        "detail": detail or f"{kind} {holder}: {old} → {new}",
    }
    if done:
        about["before"] = {kind: str(holder), "role": before.label if before else None}
        about["after"] = {kind: str(holder), "role": role.label if role else None}
    audit.record(actor, _WITHDRAW if role is None else _GIVE, **about)


def _about(place: Place) -> audit.About:
    if place is None:
        return {"object_kind": "site", "object_name": name_of(None)}
    return {"subject": place}


def name_of(place: Place) -> str:
    """Return what people call a place."""
    if place is None:
        return "the whole site"
    if isinstance(place, Flow):
        return place.name
    return f"the folder {folder_paths().get(place.pk, (place.name,))[-1]}"


def holder_named(name: str) -> Holder | None:
    """Return the group or the active person of that name; None when there is none. `user:` and
    `group:` before the name say which of them is meant."""
    kind, found, rest = name.partition(":")
    people = get_user_model()._default_manager.filter(is_active=True)
    if found and kind in ("user", "group"):
        return (
            Group.objects.filter(name=rest).first()
            if kind == "group"
            else people.filter(username=rest).first()
        )
    return Group.objects.filter(name=name).first() or people.filter(username=name).first()
