"""Executions: a list of them, and one with all that is known of it."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from executions import access
from executions.api.execution_details import detail_of
from executions.api.filters import FILTER_PARAMETERS, executions_page
from executions.api.schemas import ExecutionDetail, ExecutionPage, ProblemDetails
from executions.api.values import VALUES, Form
from executions.grid.paging.page import PAGE_SIZE

PATH = "/v1/executions"
ROUTER = Router(tags=["Executions"])

#: The most executions on a page.
LARGEST_PAGE = 500


@ROUTER.get(
    "",
    response={200: ExecutionPage, 422: ProblemDetails},
    openapi_extra={"parameters": FILTER_PARAMETERS},
)
def list_executions(
    request: HttpRequest,
    limit: Annotated[
        int, Query(ge=1, le=LARGEST_PAGE, description="The most to return.")
    ] = PAGE_SIZE,
) -> dict[str, Any]:
    """List the executions that you may see: those that match the filters, in an order of the grid.

    Follow `next` until it is null. The page after one begins below its last execution, whatever
    has been started or has ended meanwhile.
    """
    page = executions_page(request, limit, own=("limit",))
    size = {"limit": limit} if limit != PAGE_SIZE else {}

    def address(query: str) -> str | None:
        more = urlencode(size)
        return f"{request.path}{query}{'&' if more else ''}{more}" if query else None

    return {
        "items": page.events,
        "next": address(page.older_address),
        "previous": address(page.newer_address),
    }


@ROUTER.get("/{uuid:execution_id}", response=ExecutionDetail, url_name="execution")
def get_execution(
    request: HttpRequest,
    execution_id: UUID,
    values: Annotated[Form, Query(description=VALUES)] = Form.TYPED,
) -> dict[str, Any]:
    """Return an execution with its inputs and, once it has ended, its outputs."""
    access.get_or_404(request.user, execution_id)
    return detail_of(execution_id, values)
