"""Who may see, start, arrange and administer which flows. Every page and command asks here."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404

from flows import queries
from flows.models import Flow, Folder, Label
from flows.rights import FlowIds, rights_of
from flows.roles import Role


def seen_flow_ids(user: Any) -> FlowIds:
    """Return the ids of the flows that the user may see; None for every flow.

    Those who may start a flow see it. `executions.view_execution` shows executions only.
    """
    rights = rights_of(user)
    by_role = rights.flows_with("flows.view_flow")
    startable = rights.flow_ids(Role.START)
    return None if by_role is None or startable is None else by_role | startable


def sees_flows(user: Any) -> bool:
    """Return whether the user may see at least one flow, were it there."""
    ids = seen_flow_ids(user)
    return ids is None or bool(ids)


def visible(user: Any) -> QuerySet[Flow]:
    """Return the flows that the user may see."""
    ids = seen_flow_ids(user)
    return Flow.objects.all() if ids is None else Flow.objects.filter(pk__in=ids)


def folders(user: Any) -> dict[int, tuple[str, ...]]:
    """Return the folders that the user may see, as `queries.folder_paths` does: those on which they
    have a role, those in which there are flows that they see, and those above these."""
    ways, ids = queries.folder_paths(), seen_flow_ids(user)
    if ids is None:
        return ways
    held = rights_of(user).folder_ids(Role.SEE)
    if held is None:
        return ways
    filed = Flow.objects.filter(pk__in=ids, folder__isnull=False).order_by()
    found = held | set(filed.values_list("folder_id", flat=True))
    paths = {path for one in found if one in ways for path in ways[one]}
    return {one: way for one, way in ways.items() if way[-1] in paths}


def labels(user: Any) -> QuerySet[Label]:
    """Return the labels of flows that the user may see; all, for those who see every flow."""
    ids = seen_flow_ids(user)
    if ids is None:
        return Label.objects.all()
    return Label.objects.filter(pk__in=Label.objects.filter(flows__in=ids).values("pk"))


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


def may_create(user: Any) -> bool:
    """Return whether the user may add flows: it takes the role on the whole site."""
    return rights_of(user).flow_ids(Role.AUTHOR) is None


def authors_some(user: Any) -> bool:
    """Return whether the user may change drafts of a flow, or add flows."""
    ids = rights_of(user).flow_ids(Role.AUTHOR)
    return ids is None or bool(ids)


def may_administer(user: Any, flow: Flow) -> bool:
    """Return whether the user may give rights on a flow, and schedule it."""
    return rights_of(user).may(Role.ADMINISTER, flow.pk)


def may_administer_folder(user: Any, folder_id: int) -> bool:
    """Return whether the user may give rights on a folder."""
    ids = rights_of(user).folder_ids(Role.ADMINISTER)
    return ids is None or folder_id in ids


def may_administer_site(user: Any) -> bool:
    """Return whether the user may give rights on the whole site."""
    return rights_of(user).flow_ids(Role.ADMINISTER) is None


def may_give(user: Any, place: Flow | Folder | None) -> bool:
    """Return whether the user may give rights on a flow, a folder, or the whole site."""
    if place is None:
        return may_administer_site(user)
    if isinstance(place, Flow):
        return may_administer(user, place)
    return may_administer_folder(user, place.pk)


def get_folder(user: Any, folder_id: int) -> Folder:
    """Return a folder. Raises Http404 when it does not exist or the user may not see it."""
    folder = Folder.objects.filter(pk=folder_id).first() if folder_id in folders(user) else None
    if folder is None:
        raise Http404("This folder does not exist, or you may not see it.")
    return folder


def move_refusal(user: Any, flow: Flow, folder: Folder) -> str:
    """Return why somebody who may arrange a flow may not move it to a folder; empty when they may.

    Who has roles on the folder has them on the flow from then on: the folder's administrators
    decide about that, and nobody gives themselves more.
    """
    rights = rights_of(user)
    if rights.has("flows.change_flow"):
        before = max(rights.site, rights.roles.get(flow.pk, 0))
        if rights.folders.get(folder.pk, 0) <= before:
            return ""
        return "You would have more rights on the flow there. An administrator can move it."
    if may_administer_folder(user, folder.pk):
        return ""
    return "You do not administer that folder."


def arranged(user: Any) -> FlowIds:
    """Return the ids of the flows that the user may arrange; None for every flow."""
    return rights_of(user).flows_with("flows.change_flow")


def may_arrange(user: Any, flow: Flow) -> bool:
    """Return whether the user may move a flow to folders and give it labels."""
    ids = arranged(user)
    return ids is None or flow.pk in ids
