"""Rights: who has which role on a flow, on a folder or on the whole site; giving roles."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from django.contrib.auth.models import Group
from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema

from executions.api.problems import Problem
from executions.api.schemas import ProblemDetails
from executions.commands import rights
from executions.commands.actor import Actor
from executions.commands.request import CommandRefused
from executions.commands.rights import Place
from flows import access
from flows.models import Flow, Folder, Grant
from flows.queries import folder_at
from flows.roles import Role

PATH = "/v1/rights"
ROUTER = Router(tags=["Rights"])

RoleName = Literal["see", "start", "operate", "debug", "author", "administer"]
#: Where a role is given; without a flow and a folder, the whole site.
FlowName = Annotated[str | None, Query(max_length=120, description="The name of a flow.")]
FolderPath = Annotated[
    str | None, Query(max_length=1000, description="The path of a folder, as commerce/returns.")
]


class Right(Schema):
    """A role that a group or a person has."""

    kind: Literal["user", "group"]
    name: str
    role: RoleName


class GivenRole(Schema):
    """A role to give."""

    holder: str = Field(
        max_length=200, description="A group or a user; group:NAME or user:NAME says which."
    )
    role: RoleName | None = Field(
        description="The role, in place of the one that they have; null for none."
    )


@ROUTER.get("", response={200: list[Right], 404: ProblemDetails})
def list_rights(
    request: HttpRequest,
    flow: FlowName = None,
    folder: FolderPath = None,
) -> list[dict[str, Any]]:
    """List the roles that are given on a flow, on a folder or on the whole site itself. Those who
    administer it may."""
    place = _place(request, flow, folder)
    rights.require_may_give(request.user, Actor.of_request(request), place)
    return _rights(place)


@ROUTER.put("", response={200: list[Right], 404: ProblemDetails, 409: ProblemDetails})
def give_role(
    request: HttpRequest,
    given: GivenRole,
    flow: FlowName = None,
    folder: FolderPath = None,
) -> list[dict[str, Any]]:
    """Give a group or a person a role there, or none. Returns all that are given there."""
    place, actor = _place(request, flow, folder), Actor.of_request(request)
    rights.require_may_give(request.user, actor, place)
    holder = rights.holder_named(given.holder.replace("\0", ""))
    if holder is None:
        raise Problem(HTTPStatus.NOT_FOUND, "There is no group or active person of that name.")
    role = Role[given.role.upper()] if given.role else None
    try:
        rights.give(request.user, actor, holder, place, role)
    except CommandRefused as refused:
        raise Problem(HTTPStatus.CONFLICT, str(refused)) from None
    return _rights(place)


def _place(request: HttpRequest, flow: str | None, folder: str | None) -> Place:
    if flow is not None:
        return access.get(request.user, flow)
    if folder is None:
        return None
    found = folder_at(folder.replace("\0", ""))
    if found is None:
        raise Http404("This folder does not exist, or you may not see it.")
    return access.get_folder(request.user, found.pk)


def _rights(place: Place) -> list[dict[str, Any]]:
    on = {
        "flow": place if isinstance(place, Flow) else None,
        "folder": place if isinstance(place, Folder) else None,
    }
    found = Grant.objects.filter(**on).select_related("user", "group")
    return [
        {
            "kind": "group" if isinstance(one.group, Group) else "user",
            "name": str(one.group or one.user),
            "role": Role(one.role).name.lower(),
        }
        for one in found.order_by("group__name", "user__username")
    ]
