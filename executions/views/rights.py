"""The pages of rights: who has which role on a flow, on a folder, or on the whole site."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from executions.commands import rights
from executions.commands.actor import Actor
from executions.commands.request import CommandRefused
from executions.commands.rights import Place
from flows import access, administrators
from flows.models import Flow, Folder, Grant
from flows.queries import folder_paths, folders_above
from flows.roles import Role

#: Names that complete what is typed.
_NAMES = 500


@dataclass(frozen=True, slots=True)
class Row:
    """A person or a group, and the role that it has here or from further up."""

    key: str
    name: str
    is_group: bool
    #: Active people in the group.
    members: int
    role: int
    #: Where the role is given, when that is not here: its name and its page.
    place: str = ""
    url: str = ""
    is_me: bool = False

    @property
    def cells(self) -> list[tuple[Role, bool, str]]:
        """Each role, whether they have it, and what a click on it sends: that role, or the one
        before where they have it already; 0 is none."""
        return [(role, self.role >= role, self._sent(role)) for role in Role]

    def _sent(self, role: Role) -> str:
        wanted = role - 1 if self.role >= role else int(role)
        return json.dumps({"holder": self.key, "role": str(wanted)})


@require_http_methods(["GET", "HEAD", "POST"])
def flow_rights(request: HttpRequest, name: str) -> HttpResponse:
    """Show who has which role on a flow; a POST gives one."""
    return _page(request, access.get(request.user, name))


@require_http_methods(["GET", "HEAD", "POST"])
def folder_rights(request: HttpRequest, folder_id: int) -> HttpResponse:
    """Show who has which role on all flows of a folder; a POST gives one."""
    return _page(request, access.get_folder(request.user, folder_id))


@require_http_methods(["GET", "HEAD", "POST"])
def site_rights(request: HttpRequest) -> HttpResponse:
    """Show who has which role on the whole site; a POST gives one."""
    return _page(request, None)


def _page(request: HttpRequest, place: Place) -> HttpResponse:
    if not access.may_give(request.user, place) and request.method != "POST":
        raise PermissionDenied(
            f"You may not give rights on {rights.name_of(place)}. {administrators.ask(place)}"
        )
    said, problem = _give(request, place) if request.method == "POST" else ("", "")
    is_part = bool(getattr(request, "htmx", False))
    if request.method == "POST" and not problem and not is_part:
        return redirect(address_of(place))
    if said and not access.may_give(_again(request), place):
        # They have taken it from themselves.
        return _leave(place, is_part=is_part)
    here = _rows(request.user, Grant.objects.filter(**_on(place)))
    context = {
        "section": "flows",
        "place": rights.name_of(place),
        "flow": place if isinstance(place, Flow) else None,
        "folder": folder_paths()[place.pk][-1] if isinstance(place, Folder) else "",
        "url": address_of(place),
        "roles": list(Role),
        "rows": here,
        "inherited": _inherited(request.user, place),
        "superusers": _superusers(),
        "names": _names(),
        "message": said,
        "problem": problem,
        "typed": request.POST if problem else {},
        "reason": _reason(request.user, here),
    }
    template = "rights/table.html" if is_part else "rights/page.html"
    status = 422 if problem and not is_part else 200
    response = render(request, template, context, status=status)
    response["Vary"] = "HX-Request, Cookie"
    return response


def _leave(place: Place, *, is_part: bool) -> HttpResponse:
    address = place.get_absolute_url() if isinstance(place, Flow) else reverse("flows")
    return HttpResponse(headers={"HX-Redirect": address}) if is_part else redirect(address)


def _again(request: HttpRequest) -> Any:
    """Read the user anew: their rights may have changed with the request."""
    return get_user_model()._default_manager.get(pk=request.user.pk or 0)


def address_of(place: Place) -> str:
    """Return the address of the page of a place."""
    if isinstance(place, Flow):
        return reverse("flow-rights", args=[place.name])
    return reverse("folder-rights", args=[place.pk]) if place else reverse("site-rights")


def _on(place: Place) -> dict[str, Any]:
    return {
        "flow": place if isinstance(place, Flow) else None,
        "folder": place if isinstance(place, Folder) else None,
    }


def _give(request: HttpRequest, place: Place) -> tuple[str, str]:
    """Do what was posted. Returns what was done, and what is wrong."""
    name = request.POST.get("holder", "").replace("\0", "").strip()[:200]
    holder, role = rights.holder_named(name), _role(request.POST.get("role", ""))
    rights.require_may_give(request.user, Actor.of_request(request), place)
    if role is None:
        return "", "Choose a role."
    if holder is None:
        return "", f"There is no group or active person called {name}." if name else "Enter a name."
    try:
        given = None if role == 0 else Role(role)
        return rights.give(request.user, Actor.of_request(request), holder, place, given), ""
    except CommandRefused as refused:
        return "", str(refused)


def _role(text: str) -> int | None:
    """The number of a role, 0 for none; None for what is no role."""
    return int(text) if text in {"0", *(str(role.value) for role in Role)} else None


# Rows -------------------------------------------------------------------------------------------


def _rows(user: Any, grants: Iterable[Grant], place: str = "", url: str = "") -> list[Row]:
    members = Count("group__user", filter=Q(group__user__is_active=True))
    found: Any = grants
    shown = found.select_related("user", "group").annotate(members=members)
    mine = set(user.groups.values_list("pk", flat=True))
    rows = [
        Row(
            key=f"group:{one.group.name}" if one.group else f"user:{one.user.get_username()}",
            name=str(one.group or one.user),
            is_group=one.group is not None,
            members=one.members,
            role=one.role,
            place=place,
            url=url,
            is_me=one.user_id == user.pk or one.group_id in mine,
        )
        for one in shown
    ]
    return sorted(rows, key=lambda row: (not row.is_group, row.name.casefold()))


def _inherited(user: Any, place: Place) -> list[Row]:
    """Roles that are given further up, on the folders that hold it and on the whole site."""
    if place is None:
        return []
    inner = place.folder_id if isinstance(place, Flow) else place.parent_id
    ways = folder_paths()
    found: list[Row] = []
    for folder in folders_above(inner) if inner else []:
        url = reverse("folder-rights", args=[folder])
        may = access.may_administer_folder(user, folder)
        grants = Grant.objects.filter(folder=folder)
        found += _rows(user, grants, f"folder {ways[folder][-1]}", url if may else "")
    url = reverse("site-rights") if access.may_administer_site(user) else ""
    return found + _rows(user, Grant.objects.filter(flow=None, folder=None), "whole site", url)


def _superusers() -> list[str]:
    people = get_user_model()._default_manager.filter(is_superuser=True, is_active=True)
    return [one.get_username() for one in people.order_by("username")[:20]]


def _names() -> list[str]:
    """The names that may be given roles: all groups, then active people."""
    groups = list(Group.objects.order_by("name").values_list("name", flat=True)[:_NAMES])
    people: Any = get_user_model()._default_manager.filter(is_active=True).order_by("username")
    return groups + list(people.values_list("username", flat=True)[: _NAMES - len(groups)])


def _reason(user: Any, here: list[Row]) -> str:
    """Say why the reader may give rights here."""
    if user.is_superuser:
        return "You may administer as a superuser."
    by = next((one.name for one in here if one.is_me and one.role == Role.ADMINISTER), "")
    return f"You may administer by {by}." if by else "You may administer by a role further up."
