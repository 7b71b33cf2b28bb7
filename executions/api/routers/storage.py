"""Data Storage: its collections, and the values of their keys."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, ModelSchema, Query, Router, Schema
from ninja.responses import Status as Answer
from pydantic import PlainSerializer, WithJsonSchema

from executions import shared_values
from executions.api.input_forms import row_id
from executions.api.paging import NumberedPage, PageNumber, page_of
from executions.api.problems import Problem, invalid
from executions.api.schemas import ProblemDetails
from executions.api.values import VALUES, Form, Value, in_form, read_value
from executions.commands.actor import Actor
from executions.data_storage import access, changes
from executions.models import StorageCollection, StorageItem
from executions.store.lifecycle.shared_values import SecretRefused
from flows import access as flows_access
from flows import values as flow_values
from flows.blocks.errors import BlockException
from flows.blocks.shared_data import KEY_LENGTH, NAME_LENGTH

PATH = "/v1/storage/collections"
ROUTER = Router(tags=["Data Storage"])
CHANGED = "Somebody else has changed or deleted it meanwhile. Read it again."
Search = Annotated[str, Query(max_length=KEY_LENGTH)]
Wanted = Annotated[Form, Query(description=VALUES)]
#: With every digit, which Django's JSON cuts: it is sent back to say what was seen.
ExactMoment = Annotated[
    datetime,
    PlainSerializer(datetime.isoformat),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Collection(ModelSchema):
    """A collection of Data Storage."""

    flow: str | None = Field(description="The flow that it belongs to; null for one of all flows.")

    class Meta:
        model = StorageCollection
        fields = ("id", "name", "scope", "created_at")

    @staticmethod
    def resolve_flow(row: StorageCollection) -> str | None:
        return row.flow_name or None


class NewCollection(Schema):
    """A collection to create."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH)
    flow: str | None = Field(None, description="The flow that it belongs to; null for all flows.")


class Key(Schema):
    """A key of a collection."""

    key: str
    type: str
    summary: str = Field(description="The value in one line.")
    is_secret: bool = Field(description="Whether the value holds a secret, which is masked.")
    written_at: ExactMoment
    by: str = Field(description="The flow or person that wrote it.")
    execution: UUID | None = Field(description="The execution that wrote it, if you may see it.")


class Item(Key):
    """A key of a collection, with its value."""

    value: Value


class NewValue(Schema):
    """A value to write."""

    value: Value = Field(description="Any value; nothing where it is secret.")
    seen: datetime | None = Field(
        None,
        description="The `written_at` of the value that you read: 409 when it has been written "
        "since. Without it, whatever is there is replaced.",
    )


@ROUTER.get("", response=NumberedPage[Collection])
def list_collections(request: HttpRequest, q: Search = "", page: PageNumber = 1) -> dict[str, Any]:
    """List the collections that you may see, by name; `q` is a part of the name."""
    found = access.visible(request.user)
    if q:
        found = found.filter(folded_name__contains=q.casefold())
    return page_of(request, found.order_by("folded_name", "scope"), page)


@ROUTER.post(
    "",
    response={
        HTTPStatus.OK: Collection,
        HTTPStatus.CREATED: Collection,
        HTTPStatus.NOT_FOUND: ProblemDetails,
    },
)
def create_collection(request: HttpRequest, given: NewCollection) -> Answer[StorageCollection]:
    """Create a collection. One that exists is returned with 200."""
    _require_plain(given.name, "body", "name")
    flow = flows_access.get(request.user, given.flow).name if given.flow else ""
    actor = Actor.of_request(request, "api")
    collection, is_new = changes.create(request.user, actor, given.name, flow)
    return Answer(HTTPStatus.CREATED if is_new else HTTPStatus.OK, collection)


@ROUTER.get("/{int:collection_id}", response=Collection)
def get_collection(request: HttpRequest, collection_id: int) -> StorageCollection:
    """Return a collection."""
    return access.collection_or_404(request.user, row_id(collection_id))


@ROUTER.delete(
    "/{int:collection_id}",
    response={HTTPStatus.NO_CONTENT: None, HTTPStatus.CONFLICT: ProblemDetails},
)
def delete_collection(request: HttpRequest, collection_id: int) -> Answer[None]:
    """Delete a collection with everything in it."""
    collection = access.collection_or_404(request.user, row_id(collection_id))
    try:
        changes.delete_collection(request.user, Actor.of_request(request, "api"), collection)
    except changes.Changed:
        raise Problem(HTTPStatus.CONFLICT, CHANGED) from None
    return Answer(HTTPStatus.NO_CONTENT, None)


@ROUTER.get("/{int:collection_id}/items", response=NumberedPage[Key])
def list_keys(
    request: HttpRequest, collection_id: int, q: Search = "", page: PageNumber = 1
) -> dict[str, Any]:
    """List the keys of a collection, with a line about each value; `q` is the beginning of a
    key."""
    collection = access.collection_or_404(request.user, row_id(collection_id))
    found = collection.items.filter(key__startswith=q) if q else collection.items.all()
    listed = page_of(request, found.order_by("key"), page)
    return {**listed, "items": _told(request, listed["items"])}


@ROUTER.get("/{int:collection_id}/items/{path:key}", response=Item)
def get_value(
    request: HttpRequest, collection_id: int, key: str, values: Wanted = Form.TYPED
) -> dict[str, Any]:
    """Return the value of a key."""
    item = access.key_or_404(request.user, row_id(collection_id), key)
    return _with_value(request, item, values)


@ROUTER.put(
    "/{int:collection_id}/items/{path:key}",
    response={
        HTTPStatus.OK: Item,
        HTTPStatus.CONFLICT: ProblemDetails,
        HTTPStatus.INSUFFICIENT_STORAGE: ProblemDetails,
    },
)
def put_value(
    request: HttpRequest,
    collection_id: int,
    key: str,
    given: NewValue,
    values: Wanted = Form.TYPED,
) -> dict[str, Any]:
    """Write the value of a key, which need not exist. Executions that wait for it go on."""
    collection = access.collection_or_404(request.user, row_id(collection_id))
    _require_plain(key, "path", "key")
    if len(key) > KEY_LENGTH:
        raise invalid(f"A key has up to {KEY_LENGTH} characters.", "key", "path", "key")
    item = StorageItem(collection=collection, key=key)
    value = read_value("value", given.value, values)
    actor = Actor.of_request(request, "api")
    seen = given.seen or changes.Expected.ANYTHING
    try:
        written = changes.write(request.user, actor, item, value, seen)
    except changes.Changed:
        raise Problem(HTTPStatus.CONFLICT, CHANGED) from None
    except SecretRefused as refused:
        raise invalid(str(refused), "value", "body", "value") from None
    except BlockException as full:
        raise Problem(HTTPStatus.INSUFFICIENT_STORAGE, full.value.message) from None
    return _with_value(request, written, values)


@ROUTER.delete(
    "/{int:collection_id}/items/{path:key}",
    response={HTTPStatus.NO_CONTENT: None, HTTPStatus.CONFLICT: ProblemDetails},
)
def delete_key(request: HttpRequest, collection_id: int, key: str) -> Answer[None]:
    """Delete a key with its value."""
    item = access.key_or_404(request.user, row_id(collection_id), key)
    try:
        changes.delete_item(request.user, Actor.of_request(request, "api"), item)
    except changes.Changed:
        raise Problem(HTTPStatus.CONFLICT, CHANGED) from None
    return Answer(HTTPStatus.NO_CONTENT, None)


def _require_plain(text: str, *path: str) -> None:
    if not flow_values.is_plain_text(text):
        raise invalid("Leave out NUL and halves of characters.", path[-1], *path)


def _told(request: HttpRequest, items: list[StorageItem]) -> list[dict[str, Any]]:
    return [
        {
            "key": one.item.key,
            "type": one.type_name,
            "summary": one.summary,
            "is_secret": one.item.secret is not None,
            "written_at": one.item.at,
            "by": one.item.by,
            "execution": one.execution,
        }
        for one in shared_values.read(request.user, items)
    ]


def _with_value(request: HttpRequest, item: StorageItem, form: Form) -> dict[str, Any]:
    (told,) = _told(request, [item])
    return {**told, "value": in_form(item.value, form)}
