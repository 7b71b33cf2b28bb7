"""The log entries of all executions."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from executions import access
from executions.api.problems import Problem, invalid
from executions.api.schemas import ProblemDetails
from executions.logs import search
from executions.logs.query import LogQuery, parse_key

PATH = "/v1/logs"
ROUTER = Router(tags=["Logs"])


class LogSearchLine(Schema):
    """What a Log Event block of an execution wrote."""

    id: int
    at: datetime
    execution_id: UUID
    flow_name: str
    block: str
    severity: str
    event_type: str
    details: Any


class LogSearchPage(Schema):
    items: list[LogSearchLine]
    next: str | None = Field(description="The address of the next page; null on the last.")


@ROUTER.get("", response={200: LogSearchPage, 422: ProblemDetails})
def search_logs(  # noqa: PLR0913 (the parameters of the operation)
    request: HttpRequest,
    q: Annotated[str, Query(max_length=200, description="Words to search for.")] = "",
    severity: Annotated[str, Query(max_length=12, description="From this severity on.")] = "",
    flow: Annotated[str, Query(max_length=120)] = "",
    at: Annotated[str, Query(max_length=200, description="A span, such as `>-1h`.")] = "",
    before: Annotated[str, Query(max_length=60, description="Below this line.")] = "",
) -> dict[str, Any]:
    """Search what the executions that you may see have logged, the newest first."""
    asked = {"q": q, "severity": severity, "flow": flow, "at": at, "before": before}
    query = LogQuery.parse(asked, timezone.get_current_timezone())
    if query.problem:
        raise invalid(query.problem, "at", "query", "at")
    if severity and severity != query.severity:
        raise invalid(f"There is no severity {severity}.", "severity", "query", "severity")
    if before and parse_key(before) is None:
        raise invalid("Take it from the address of a page.", "before", "query", "before")
    page = search.read_page(query, access.seen(request.user), timezone.now())
    if page.is_too_slow:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "It takes too long. Search a shorter span.")
    following = f"{request.path}?{query.query_string(page.older)}" if page.older else None
    return {"items": page.lines, "next": following}
