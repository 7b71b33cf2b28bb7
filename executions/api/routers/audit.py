"""The audit trail: what was done and refused, by whom, from where."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from executions.api.problems import invalid
from executions.api.schemas import ProblemDetails
from executions.audit import access, search
from executions.audit.search import AuditQuery

PATH = "/v1/audit"
ROUTER = Router(tags=["Audit"])

_BAD = {HTTPStatus.BAD_REQUEST: ProblemDetails}
#: The most entries on a page.
_LARGEST = 500


class AuditEntryOutput(Schema):
    """Something that was done, or refused."""

    id: int
    at: datetime
    actor: str = Field(description="Who did it; empty for nobody who is known.")
    token: str = Field(description="The name of the API token that was used.")
    command: str
    outcome: str
    source: str = Field(description="page, api, admin, command line, bulk job and others.")
    address: str | None
    flow: str
    execution: UUID | None
    failure: UUID | None
    object_kind: str
    object_id: str
    object_name: str
    before: dict[str, Any] | None = Field(description="The fields that differ, before.")
    after: dict[str, Any] | None = Field(description="The fields that differ, after.")
    detail: str


class AuditEntries(Schema):
    """A page of entries, the newest first."""

    items: list[AuditEntryOutput]
    next: str | None = Field(description="The address of the page after it; null on the last.")


class AuditFilters(Schema):
    """Which entries are asked for."""

    who: str = Field("", max_length=200)
    what: str = Field("", max_length=200, description="A command.")
    kind: str = Field("", max_length=200, description="The kind of an object, such as flow.")
    object: str = Field("", max_length=200, description="Its id or name; takes the kind.")
    flow: str = Field("", max_length=200)
    source: str = Field("", max_length=200)
    outcome: str = Field("", max_length=20, description="done or refused.")
    at: str = Field("", max_length=200, description="A span, as in the grid.")
    before: str = Field("", max_length=60, description="Where the page begins: as in `next`.")


@ROUTER.get("", response={200: AuditEntries, **_BAD})
def list_audit(
    request: HttpRequest,
    filters: Annotated[AuditFilters, Query()],
    limit: Annotated[int, Query(ge=1, le=_LARGEST, description="The most to return.")] = 50,
) -> dict[str, Any]:
    """List the entries that you may see: of everything, of the flows that you administer, and of
    what you did yourself."""
    query = AuditQuery.parse(filters.dict(), timezone.get_current_timezone())
    if query.problem:
        raise invalid(query.problem, "at" if query.span else "object")
    page = search.read_page(query, access.condition(request.user), timezone.now(), limit)
    if page.is_too_slow:
        raise invalid("It took too long. Ask for a shorter span, or for less at once.", "at")
    following = None
    if page.older is not None:
        size = f"&limit={limit}" if limit != search.PAGE_SIZE else ""
        following = f"{request.path}?{query.query_string(page.older)}{size}"
    return {"items": [search.values_of(one) for one in page.entries], "next": following}
