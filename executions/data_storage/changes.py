"""Changing and deleting what Data Storage holds, with the audit entries that say so.

Whoever waits for what a person changes goes on, as after a change by an execution.
"""

from datetime import datetime
from enum import Enum, auto
from typing import Any

from django.db import transaction

from executions import audit
from executions.access import User
from executions.audit.differences import Masked
from executions.audit.states import State
from executions.commands.actor import Actor
from executions.completion import wake_ready
from executions.data_storage import access
from executions.models import StorageCollection, StorageItem
from executions.publishing import publish
from executions.store.lifecycle import data_storage
from executions.store.lifecycle.shared_values import Giver, require_readable
from executions.store.lifecycle.waiters import Subject
from flows import values
from flows.blocks.scopes import Scope
from flows.blocks.shared_data import CollectionName

#: Characters of a value that the audit trail keeps.
_KEPT = 400


class Changed(Exception):
    """Somebody else has changed or deleted it meanwhile."""


class Expected(Enum):
    """What somebody who writes a value expects of its key."""

    ANYTHING = auto()
    #: It does not exist yet.
    NO_KEY = auto()


def create(user: User, actor: Actor, name: str, flow_name: str) -> tuple[StorageCollection, bool]:
    """Create a collection of a flow, or with an empty name of all flows, unless it exists; return
    it, and whether it is new. Raises PermissionDenied."""
    scope = Scope(flow=flow_name) if flow_name else Scope()
    wanted = CollectionName(scope, name)
    access.require_may_change(user, StorageCollection(flow_name=flow_name))
    with transaction.atomic():
        collection, is_new = data_storage.create(wanted)
        if is_new:
            audit.record(actor, "create-collection", subject=collection, flow_name=flow_name)
            publish(wake_ready())
    return collection, is_new


def write(
    user: User, actor: Actor, item: StorageItem, value: Any, seen: datetime | Expected
) -> StorageItem:
    """Give a key another value, and return it; `item` may be new. `seen` is when the key that
    somebody looked at was written. Raises Changed, PermissionDenied, SecretRefused, and
    BlockException when Data Storage is full."""
    collection = item.collection
    access.require_may_change(user, collection)
    require_readable(value)
    with transaction.atomic():
        current = _locked(item)
        if (current.at if current else Expected.NO_KEY) != seen != Expected.ANYTHING:
            raise Changed
        data_storage.write(collection, item.key, value, Giver(actor.name))
        written = collection.items.select_related("collection").get(key=item.key)
        before = _audit_form(current) if current else None
        _record(actor, "write-data", written, before=before, after=_audit_form(written))
        publish(wake_ready())
    return written


def delete_item(user: User, actor: Actor, item: StorageItem) -> None:
    """Delete a key with its value. Raises Changed and PermissionDenied."""
    access.require_may_change(user, item.collection)
    with transaction.atomic():
        current = _locked(item)
        if current is None:
            raise Changed
        _record(actor, "delete-data", current, before=_audit_form(current))
        data_storage.delete_item(item.collection, item.key)
        publish(wake_ready())


def delete_collection(user: User, actor: Actor, collection: StorageCollection) -> int:
    """Delete a collection; return how many items it had. Raises Changed and PermissionDenied."""
    access.require_may_change(user, collection)
    with transaction.atomic():
        Subject(collection.scope, collection.folded_name, None).lock()
        current = StorageCollection.objects.filter(pk=collection.pk).first()
        if current is None:
            raise Changed
        count = current.items.count()
        audit.record(
            actor,
            "delete-collection",
            subject=current,
            flow_name=current.flow_name,
            detail=f"with {count:,} item{'' if count == 1 else 's'}",
        )
        data_storage.delete(current)
        publish(wake_ready())
    return count


def _locked(item: StorageItem) -> StorageItem | None:
    """Lock a key, and return it as it is now; None where there is none. Raises Changed when its
    collection is gone."""
    collection = item.collection
    Subject(collection.scope, collection.folded_name, item.key).lock()
    if not StorageCollection.objects.filter(pk=collection.pk).exists():
        raise Changed
    return collection.items.filter(key=item.key).select_related("collection").first()


def _audit_form(item: StorageItem) -> State:
    """Return what the audit trail says of a value; one with a secret is masked."""
    shown = values.summary(values.decode(item.value, masks=True), _KEPT)
    return {"value": Masked(item.secret) if item.secret else shown}


def _record(actor: Actor, command: str, item: StorageItem, **states: State | None) -> None:
    collection = item.collection
    audit.record(
        actor,
        command,
        object_kind="item of Data Storage",
        object_id=item.pk,
        object_name=f"{collection.name} {item.key}",
        flow_name=collection.flow_name,
        before=states.get("before"),
        after=states.get("after"),
    )
