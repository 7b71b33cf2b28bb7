"""Who may see and change which collections of Data Storage.

A collection in the scope of one flow follows the rights on that flow; one of all flows, the rights
on the whole site.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from executions.access import User
from executions.models import StorageCollection, StorageItem
from flows import access as flows_access
from flows import administrators
from flows.models import Flow
from flows.rights import rights_of

#: The permissions for which the roles *see* and *administer* stand.
_SEE = "executions.view_storagecollection"
_CHANGE = "executions.change_storagecollection"

NOT_FOUND = "This is not in Data Storage, or you may not see it."


def sees_some(user: User) -> bool:
    """Return whether a user may see collections, if there are some."""
    ids = rights_of(user).flows_with(_SEE)
    return ids is None or bool(ids)


def visible(user: User) -> QuerySet[StorageCollection]:
    """Return the collections that a user may see."""
    rights = rights_of(user)
    names = rights.names_of(rights.flows_with(_SEE))
    found = StorageCollection.objects.all()
    return found if names is None else found.filter(flow_name__in=sorted(names - {""}))


def may_change(user: User, collection: StorageCollection) -> bool:
    """Return whether a user may change and delete a collection that they see."""
    rights = rights_of(user)
    names = rights.names_of(rights.flows_with(_CHANGE))
    return names is None or (bool(collection.flow_name) and collection.flow_name in names)


def creatable(user: User) -> QuerySet[Flow]:
    """Return the flows for which a user may create collections, by name."""
    names = rights_of(user).names_of(rights_of(user).flows_with(_CHANGE))
    found = flows_access.visible(user)
    return (found if names is None else found.filter(name__in=sorted(names))).order_by("name")


def require_may_change(user: User, collection: StorageCollection) -> None:
    """Raise PermissionDenied for somebody who may not change a collection that they see."""
    if not may_change(user, collection):
        asked = administrators.ask_about(user, collection.flow_name)
        raise PermissionDenied(f"You may not change this collection. {asked}")


def collection_or_404(user: User, collection_id: Any) -> StorageCollection:
    """Return a collection that the user may see. Raises Http404 when there is none."""
    found = visible(user).filter(pk=collection_id).first()
    if found is None:
        raise Http404(NOT_FOUND)
    return found


def key_or_404(user: User, collection_id: Any, key: str) -> StorageItem:
    """Return a key of a collection that the user may see. Raises Http404 when there is none."""
    collection = collection_or_404(user, collection_id)
    item = collection.items.filter(key=key).select_related("collection").first()
    if item is None:
        raise Http404(f"The collection {collection.name} does not have this key.")
    return item


def item_or_404(user: User, item_id: Any) -> StorageItem:
    """Return an item of a collection that the user may see. Raises Http404 when there is none."""
    found = StorageItem.objects.filter(pk=item_id, collection__in=visible(user))
    item = found.select_related("collection").first()
    if item is None:
        raise Http404(NOT_FOUND)
    return item
