"""Changes of executions, live."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Header, Router

from executions import access
from executions.api.event_stream import stream
from executions.api.filters import FILTERS, read_filters
from executions.grid.query.filters import Filters

PATH = "/v1/executions"
ROUTER = Router(tags=["Live"])

_EVENTS = {
    "200": {
        "description": "Events `execution`, whose data is an ExecutionSummary; `dropped` says why "
        "the stream ends.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
LastId = Annotated[
    str | None, Header(alias="Last-Event-ID", description="The id of the last event that you got.")
]


@ROUTER.get("/events", openapi_extra={"parameters": FILTERS, "responses": _EVENTS})
def execution_events(request: HttpRequest, last_event_id: LastId = None) -> StreamingHttpResponse:
    """Tell of each change of the executions that match the filters, as server-sent events.

    With `Last-Event-ID`, it begins with what has changed since that event.
    """
    return stream(request.user, read_filters(request.GET), last_event_id)


@ROUTER.get("/{uuid:execution_id}/events", openapi_extra={"responses": _EVENTS})
def events_of_execution(
    request: HttpRequest, execution_id: UUID, last_event_id: LastId = None
) -> StreamingHttpResponse:
    """Tell of each change of one execution, as server-sent events."""
    access.get_or_404(request.user, execution_id)
    filters = Filters().with_values("id", [str(execution_id)])
    return stream(request.user, filters, last_event_id)
