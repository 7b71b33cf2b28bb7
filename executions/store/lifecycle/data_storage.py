"""Data Storage: collections of keys and values that outlive executions (semantics 108 to 110).

Every function runs in the transaction that writes down what it is for. Those that change something
make ready whoever waits for it; `completion.wake_ready` wakes them.
"""

from collections.abc import Callable
from functools import singledispatch
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from executions.limits import DATA_STORAGE_BYTES
from executions.models import StorageCollection, StorageItem, Waiter
from executions.store.lifecycle import shared_values
from executions.store.lifecycle.shared_values import Giver, TakenValue
from executions.store.lifecycle.waiters import Subject
from flows import equality, values
from flows.blocks.errors import exception
from flows.blocks.shared_data import (
    AwaitStorage,
    CollectionName,
    Condition,
    CreateCollection,
    DeleteCollection,
    DeleteItem,
    ReadItem,
    SharedDataRequest,
    WriteItem,
    collection_not_found,
    key_not_found,
)

_NOTHING = TakenValue(None)
_SIZE = "SELECT pg_total_relation_size('executions_storageitem')"


def subject(collection: CollectionName, key: str | None = None) -> Subject:
    """Return a collection, or a key of it, as something that is waited for."""
    return Subject(collection.scope.path, collection.folded, key)


@singledispatch
def perform(request: SharedDataRequest, giver: Giver) -> TakenValue:
    """Do what a block asks for; return the result. Raises BlockException, with nothing done."""
    raise TypeError(f"{type(request).__name__} is not about Data Storage")


@perform.register
def _create(request: CreateCollection, giver: Giver) -> TakenValue:
    create(request.collection)
    return _NOTHING


def create(name: CollectionName) -> tuple[StorageCollection, bool]:
    """Create a collection unless it exists; return it, and whether it is new."""
    whole = subject(name)
    whole.lock()
    row, is_new = StorageCollection.objects.get_or_create(
        scope=whole.scope,
        folded_name=whole.name,
        defaults={"name": name.name, "flow_name": name.scope.flow_name},
    )
    if is_new:
        _make_ready(whole.waiters(), Condition.EXISTS)
        whole.announce()
    return row, is_new


@perform.register
def _delete(request: DeleteCollection, giver: Giver) -> TakenValue:
    whole = subject(request.collection)
    whole.lock()
    if row := _find(request.collection):
        delete(row)
    return _NOTHING


def delete(row: StorageCollection) -> None:
    """Delete a collection, of which the caller holds the lock, with its items."""
    StorageItem.objects.filter(collection=row).delete()
    row.delete()
    concerned = Waiter.objects.filter(name=row.folded_name, scope=row.scope)
    _make_ready(concerned, Condition.MISSING)
    Subject(row.scope, row.folded_name, None).announce()


@perform.register
def _read(request: ReadItem, giver: Giver) -> TakenValue:
    collection = _require(request.collection)
    item = StorageItem.objects.filter(collection=collection, key=request.key).first()
    if item is None:
        raise key_not_found(request.collection, request.key)
    return shared_values.of_row(item)


@perform.register
def _write(request: WriteItem, giver: Giver) -> TakenValue:
    at = subject(request.collection, request.key)
    at.lock()
    write(_require(request.collection), request.key, request.value, giver)
    return _NOTHING


def write(collection: StorageCollection, key: str, value: Any, giver: Giver) -> None:
    """Write the value of a key, of which the caller holds the lock. Raises
    ServiceUnavailableException as a BlockException when Data Storage is full."""
    _require_room()
    columns, new = shared_values.to_store(value, giver)
    before = StorageItem.objects.filter(collection=collection, key=key).first()
    if before is None:
        StorageItem.objects.create(collection=collection, key=key, at=Now(), **columns)
    else:
        StorageItem.objects.filter(pk=before.pk).update(at=Now(), **columns)
    at = Subject(collection.scope, collection.folded_name, key)
    at.announce()
    concerned = at.waiters().filter(ready_at=None)
    _make_ready(concerned, Condition.EXISTS)
    _make_ready(concerned, Condition.SET, lambda: _pair(before, new))
    contains = concerned.filter(condition=Condition.CONTAINS)
    met = [one.pk for one in contains if equality.same(values.decode(one.value), value)]
    if met:
        _make_ready(Waiter.objects.filter(pk__in=met), Condition.CONTAINS)


@perform.register
def _delete_item(request: DeleteItem, giver: Giver) -> TakenValue:
    at = subject(request.collection, request.key)
    at.lock()
    delete_item(_require(request.collection), request.key)
    return _NOTHING


def delete_item(collection: StorageCollection, key: str) -> bool:
    """Delete a key, of which the caller holds the lock; return whether it was there."""
    deleted, _ = StorageItem.objects.filter(collection=collection, key=key).delete()
    if deleted:
        at = Subject(collection.scope, collection.folded_name, key)
        _make_ready(at.waiters(), Condition.MISSING)
        at.announce()
    return bool(deleted)


def holds(request: AwaitStorage) -> bool:
    """Return whether what is waited for is so already; the caller holds its lock."""
    row = _find(request.collection)
    if request.key is None:
        return (row is not None) is (request.condition is Condition.EXISTS)
    item = StorageItem.objects.filter(collection=row, key=request.key).first() if row else None
    match request.condition:
        case Condition.EXISTS:
            return item is not None
        case Condition.MISSING:
            return item is None
        case Condition.CONTAINS:
            return item is not None and equality.same(
                shared_values.of_row(item).value, request.value
            )
    return False


def _pair(before: StorageItem | None, new: TakenValue) -> TakenValue:
    old = shared_values.of_row(before) if before else _NOTHING
    return TakenValue([old.value, new.value], [*old.secret_texts, *new.secret_texts])


def _make_ready(
    concerned: Any, condition: Condition, answer: Callable[[], TakenValue] = lambda: _NOTHING
) -> None:
    """Give those their answer who wait for what has come."""
    chosen = list(concerned.filter(condition=condition, ready_at=None).values_list("pk", flat=True))
    if chosen:
        rows = Waiter.objects.filter(pk__in=chosen)
        rows.update(ready_at=Now(), answer=answer().form())


def _find(name: CollectionName) -> StorageCollection | None:
    return StorageCollection.objects.filter(scope=name.scope.path, folded_name=name.folded).first()


def _require(name: CollectionName) -> StorageCollection:
    row = _find(name)
    if row is None:
        raise collection_not_found(name)
    return row


def _require_room() -> None:
    """Raise ServiceUnavailableException when Data Storage takes as much as it may."""
    if not DATA_STORAGE_BYTES:
        return
    with connection.cursor() as cursor:
        cursor.execute(_SIZE)
        (size,) = cursor.fetchone()
    if size > DATA_STORAGE_BYTES:
        raise exception(
            "ServiceUnavailableException",
            f"Data Storage is full: it may take {DATA_STORAGE_BYTES:,} bytes (DATA_STORAGE_BYTES).",
            extra={"Tenant": "default", "System": "default", "ServiceName": "Data Storage"},
        )
