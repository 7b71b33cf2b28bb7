"""Data Storage: its collections, what one holds, and a value with the form that changes it."""

import json
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import cached_property
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from executions import access as executions_access
from executions.commands.actor import Actor
from executions.data_storage import access, changes
from executions.models import StorageCollection, StorageItem, Waiter
from executions.store.lifecycle.shared_values import SecretRefused
from executions.views.parts import Part, changed
from flows import access as flows_access
from flows import parsing, pretty_json, values
from flows.blocks.errors import BlockException
from flows.blocks.shared_data import KEY_LENGTH

#: Rows on a page, rows that are counted, characters of a value in a row and in a form.
PAGE, COUNTED, SHOWN, _EDITABLE = 50, 10_000, 120, 100_000
_MOST = """
    SELECT count(*) FROM (
        SELECT 1 FROM executions_storageitem i
        WHERE i.collection_id = executions_storagecollection.id LIMIT %s
    ) counted
"""
_COLLECTIONS = Part("storage", "storage/collections_table.html", "stored-list")
_ITEMS = Part("storage", "storage/items_table.html", "stored-list")
CHANGED = "Somebody has changed or deleted it meanwhile. Look at it as it is now."


class Capped(Paginator):  # type: ignore[type-arg]
    """Counts no more rows than it shows."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED].count())


@require_safe
@never_cache
def storage(request: HttpRequest) -> HttpResponse:
    """List the collections that the user may see; `q` is a part of their name."""
    asked = asked_for(request)
    found = access.visible(request.user)
    if asked:
        found = found.filter(folded_name__contains=asked.casefold())
    newest = StorageItem.objects.filter(collection=OuterRef("pk")).order_by("-at").values("at")
    page = Capped(found.order_by("folded_name", "scope"), PAGE).get_page(request.GET.get("page"))
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
    }
    return shown(request, "storage/storage.html", context, _COLLECTIONS)


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
    if wrong := _key_problem(key):
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


def _key_problem(key: str) -> str:
    if not key:
        return "Enter a key."
    if len(key) > KEY_LENGTH:
        return f"A key has up to {KEY_LENGTH} characters."
    return "" if values.is_plain_text(key) else "Leave out NUL and halves of characters."


def _collection_page(
    request: HttpRequest, collection: StorageCollection, **form: str
) -> HttpResponse:
    """Show a collection; `form` is what was typed to add a key, and what is wrong with it."""
    asked = asked_for(request)
    found = collection.items.filter(key__startswith=asked) if asked else collection.items.all()
    page = Capped(found.order_by("key"), PAGE).get_page(request.GET.get("page"))
    waiting = Waiter.objects.filter(name=collection.folded_name, scope=collection.scope)
    context = {
        "section": "storage",
        "collection": collection,
        "q": asked,
        "page": page,
        "counted": COUNTED,
        "rows": rows_of(request, page),
        "waiting": executions_access.visible(request.user)
        .filter(waiter__in=waiting)
        .order_by("started_at")[:PAGE],
        "flows": _flow_names(request, StorageCollection.objects.filter(pk=collection.pk)),
        "may_change": access.may_change(request.user, collection),
        **form,
    }
    return shown(request, "storage/collection.html", context, _ITEMS, status=422 if form else 200)


def shown(
    request: HttpRequest, template: str, context: dict[str, Any], part: Part, status: int = 200
) -> HttpResponse:
    """Return a page with a list; for a browser that has the page, only the list, when it differs
    from the one that the browser holds."""
    held = request.headers.get("X-Held")
    if held is not None and request.method == "GET":
        return HttpResponse(changed([part], request, context, held[:2000]))
    context["parts"] = {part.name: part.element(request, context)}
    return render(request, template, context, status=status)


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


def asked_for(request: HttpRequest) -> str:
    """Return what is looked for."""
    return request.GET.get("q", "").replace("\0", "")[:500].strip()


def _item_page(
    request: HttpRequest, item: StorageItem, typed: str | None = None, problem: str = ""
) -> HttpResponse:
    value = pretty_json.decode(item.value)
    exact = pretty_json.decode(item.value, exact=True)
    text = "" if item.secret else json.dumps(values.encode(exact), indent=2, ensure_ascii=False)
    (row,) = rows_of(request, [item])
    context = {
        "section": "storage",
        "item": item,
        "row": row,
        "collection": item.collection,
        "text": pretty_json.text(value),
        "type_name": values.type_name(value),
        "typed": text if typed is None else typed,
        "problem": problem,
        "is_too_large": len(text) > _EDITABLE,
        "may_change": access.may_change(request.user, item.collection),
        "seen": item.at.isoformat(),
    }
    return render(request, "storage/item.html", context, status=422 if problem else 200)


def rows_of(request: HttpRequest, items: Any) -> list[dict[str, Any]]:
    """Return items with a summary of their values, and whether their giver's page may be seen."""
    seen = executions_access.seen_ids(request.user, [item.by_execution_id for item in items])
    return [
        {
            "item": item,
            "summary": values.summary(pretty_json.decode(item.value), SHOWN),
            "execution": item.by_execution_id if item.by_execution_id in seen else None,
        }
        for item in items
    ]


def _flow_names(request: HttpRequest, rows: QuerySet[StorageCollection]) -> set[str]:
    """Return the flows of collections that have a page for the user."""
    names = set(rows.exclude(flow_name="").values_list("flow_name", flat=True))
    visible = flows_access.visible(request.user).filter(name__in=names)
    return set(visible.values_list("name", flat=True))
