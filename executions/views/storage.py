"""Data Storage: its collections, what one holds, and a value with the form that changes it."""

import json
from datetime import datetime

from django.contrib import messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from executions import access as executions_access
from executions import shared_values
from executions.commands.actor import Actor
from executions.data_storage import access, changes
from executions.list_pages import COUNTED, PAGE_SIZE, capped_page, search_text
from executions.models import StorageCollection, StorageItem, Waiter
from executions.store.lifecycle.shared_values import SecretRefused
from executions.views.parts import Part, list_page
from flows import access as flows_access
from flows import parsing, pretty_json, values
from flows.blocks.errors import BlockException
from flows.blocks.shared_data import KEY_LENGTH, NAME_LENGTH

#: Characters of a value that a form takes, and flows that one offers.
_EDITABLE, _OFFERED = 100_000, 500
_MOST = """
    SELECT count(*) FROM (
        SELECT 1 FROM executions_storageitem i
        WHERE i.collection_id = executions_storagecollection.id LIMIT %s
    ) counted
"""
_COLLECTIONS = Part("stored", "storage/collections_table.html", "stored-list")
_ITEMS = Part("stored", "storage/items_table.html", "stored-list")
CHANGED = "Somebody has changed or deleted it meanwhile. Look at it as it is now."


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def storage(request: HttpRequest) -> HttpResponse:
    """List the collections that the user may see; `q` is a part of their name. A POST with `name`
    and `flow` creates one."""
    if request.method != "POST":
        return _collections_page(request)
    name, flow_name = request.POST.get("name", "").strip(), request.POST.get("flow", "")
    if flow_name:
        flow_name = flows_access.get(request.user, flow_name).name
    access.require_may_change(request.user, StorageCollection(flow_name=flow_name))
    if wrong := _text_problem(name, "name", NAME_LENGTH):
        return _collections_page(request, name=name, flow=flow_name, name_problem=wrong)
    collection, is_new = changes.create(request.user, Actor.of_request(request), name, flow_name)
    if is_new:
        messages.success(request, f"The collection {collection.name} is created.")
    else:
        messages.warning(request, f"The collection {collection.name} exists already. This is it.")
    return redirect("storage-collection", collection.pk)


def _collections_page(request: HttpRequest, **form: str) -> HttpResponse:
    """Show the collections; `form` is what was typed to create one, and what is wrong with it."""
    asked = search_text(request.GET)
    found = access.visible(request.user)
    if asked:
        found = found.filter(folded_name__contains=asked.casefold())
    newest = StorageItem.objects.filter(collection=OuterRef("pk")).order_by("-at").values("at")
    page = capped_page(found.order_by("folded_name", "scope"), request.GET.get("page"))
    rows = StorageCollection.objects.filter(pk__in=[row.pk for row in page])
    context = {
        "section": "storage",
        "q": asked,
        "page": page,
        "collections": rows.annotate(
            count=RawSQL(_MOST, [COUNTED + 1]),  # noqa: S611 - a fixed statement
            written_at=Subquery(newest[:1]),
        ).order_by("folded_name", "scope"),
        "counted": COUNTED,
        "flows": _flow_names(request, rows),
        "creatable": access.creatable(request.user)[:_OFFERED],
        "may_create_for_all": access.may_change(request.user, StorageCollection()),
        **form,
    }
    status = 422 if form else 200
    return list_page(request, "storage/storage.html", context, _COLLECTIONS, status)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def storage_collection(request: HttpRequest, collection_id: int) -> HttpResponse:
    """List what a collection holds; `q` is the beginning of a key. A POST with `key` and `value`
    adds a key."""
    collection = access.collection_or_404(request.user, collection_id)
    if request.method != "POST":
        return _collection_page(request, collection)
    access.require_may_change(request.user, collection)
    key, typed = request.POST.get("key", "").strip(), request.POST.get("value", "")
    if wrong := _text_problem(key, "key", KEY_LENGTH):
        return _collection_page(request, collection, key=key, typed=typed, key_problem=wrong)
    item = StorageItem(collection=collection, key=key)
    try:
        problem = _write(request, item, typed, changes.Expected.NO_KEY)
    except changes.Changed:
        told = "The collection has this key already. Open it to change its value."
        return _collection_page(request, collection, key=key, typed=typed, key_problem=told)
    if problem:
        return _collection_page(request, collection, key=key, typed=typed, problem=problem)
    messages.success(request, f"{key} is added.")
    return redirect("storage-collection", collection.pk)


def _text_problem(text: str, word: str, length: int) -> str:
    """Return what is wrong with the name of a collection or a key, or ""."""
    if not text:
        return f"Enter a {word}."
    if len(text) > length:
        return f"A {word} has up to {length} characters."
    return "" if values.is_plain_text(text) else "Leave out NUL and halves of characters."


def _collection_page(
    request: HttpRequest, collection: StorageCollection, **form: str
) -> HttpResponse:
    """Show a collection; `form` is what was typed to add a key, and what is wrong with it."""
    asked = search_text(request.GET)
    found = collection.items.filter(key__startswith=asked) if asked else collection.items.all()
    page = capped_page(found.order_by("key"), request.GET.get("page"))
    waiting = Waiter.objects.filter(name=collection.folded_name, scope=collection.scope)
    context = {
        "section": "storage",
        "collection": collection,
        "q": asked,
        "page": page,
        "counted": COUNTED,
        "rows": shared_values.read(request.user, page),
        "waiting": executions_access.visible(request.user)
        .filter(waiter__in=waiting)
        .order_by("started_at")[:PAGE_SIZE],
        "flows": _flow_names(request, StorageCollection.objects.filter(pk=collection.pk)),
        "may_change": access.may_change(request.user, collection),
        **form,
    }
    status = 422 if form else 200
    return list_page(request, "storage/collection.html", context, _ITEMS, status)


def _write(
    request: HttpRequest, item: StorageItem, typed: str, seen: datetime | changes.Expected
) -> str:
    """Write the value that is typed; return what is wrong with it, or "". Raises Changed."""
    try:
        value = parsing.value(typed)
        changes.write(request.user, Actor.of_request(request), item, value, seen)
    except parsing.ParseError as problem:
        return f"{problem}{' A text needs quotation marks.' if problem.is_syntax else ''}"
    except SecretRefused as refused:
        return str(refused)
    except BlockException as full:
        return full.value.message
    return ""


@require_POST
def delete_storage_collection(request: HttpRequest, collection_id: int) -> HttpResponse:
    """Delete a collection with what it holds."""
    collection = access.collection_or_404(request.user, collection_id)
    try:
        changes.delete_collection(request.user, Actor.of_request(request), collection)
    except changes.Changed:
        messages.warning(request, CHANGED)
    else:
        messages.success(request, f"The collection {collection.name} is deleted.")
    return redirect("storage")


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def storage_item(request: HttpRequest, item_id: int) -> HttpResponse:
    """Show a value; a POST with `value` and `seen` changes it."""
    item = access.item_or_404(request.user, item_id)
    if request.method != "POST":
        return _item_page(request, item)
    access.require_may_change(request.user, item.collection)
    typed = request.POST.get("value", "")
    try:
        seen = datetime.fromisoformat(request.POST.get("seen", ""))
        problem = _write(request, item, typed, seen)
    except (changes.Changed, ValueError):
        item = access.item_or_404(request.user, item_id)
        return _item_page(request, item, typed, CHANGED)
    if problem:
        return _item_page(request, item, typed, problem)
    messages.success(request, f"{item.key} has its new value.")
    return redirect("storage-item", item.pk)


@require_POST
def delete_storage_item(request: HttpRequest, item_id: int) -> HttpResponse:
    """Delete a key with its value."""
    item = access.item_or_404(request.user, item_id)
    try:
        changes.delete_item(request.user, Actor.of_request(request), item)
    except changes.Changed:
        messages.warning(request, CHANGED)
    else:
        messages.success(request, f"{item.key} is deleted.")
    return redirect("storage-collection", item.collection_id)


def _item_page(
    request: HttpRequest, item: StorageItem, typed: str | None = None, problem: str = ""
) -> HttpResponse:
    exact = pretty_json.decode(item.value, exact=True)
    text = "" if item.secret else json.dumps(values.encode(exact), indent=2, ensure_ascii=False)
    (row,) = shared_values.read(request.user, [item])
    context = {
        "section": "storage",
        "item": item,
        "row": row,
        "collection": item.collection,
        "typed": text if typed is None else typed,
        "problem": problem,
        "is_too_large": len(text) > _EDITABLE,
        "may_change": access.may_change(request.user, item.collection),
        "seen": item.at.isoformat(),
    }
    return render(request, "storage/item.html", context, status=422 if problem else 200)


def _flow_names(request: HttpRequest, rows: QuerySet[StorageCollection]) -> set[str]:
    """Return the flows of collections that have a page for the user."""
    names = set(rows.exclude(flow_name="").values_list("flow_name", flat=True))
    visible = flows_access.visible(request.user).filter(name__in=names)
    return set(visible.values_list("name", flat=True))
