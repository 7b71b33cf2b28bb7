"""The page of the logs of all executions: a search, and the lines that come in."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from executions import access
from executions.grid.planner.statement_timeout import TooSlow
from executions.logs import search
from executions.logs.query import LogQuery, format_key, parse_key
from executions.store.read.log_lines import Line
from flows import access as flows_access
from flows import pretty_json
from flows.blocks.logs.log_event import SEVERITIES

#: Flows that the form offers; others are typed.
FLOWS = 500
#: Spans that the form offers: as they are written, and in words.
SPANS = (
    (">-15m", "Last 15 minutes"),
    (">-1h", "Last hour"),
    (">-24h", "Last 24 hours"),
    (">-7d", "Last 7 days"),
)


@require_safe
def logs(request: HttpRequest) -> HttpResponse:
    """The lines that are asked for, the newest first."""
    query, now = _query(request), timezone.now()
    page = search.read_page(query, access.seen(request.user), now)
    context = {
        "section": "logs",
        "query": query,
        "query_string": query.query_string(),
        "rows": _rows(page.lines),
        "is_too_slow": page.is_too_slow,
        "is_live": query.is_live(now) and not page.is_too_slow,
        "older": query.query_string(page.older) if page.older else "",
        "severities": SEVERITIES[1:],
        "spans": SPANS,
        "flows": flows_access.visible(request.user)
        .order_by("name")
        .values_list("name", flat=True)[:FLOWS],
    }
    return render(request, "executions/logs.html", context)


@require_safe
@never_cache
def logs_new(request: HttpRequest) -> HttpResponse:
    """The rows of the lines after the one that `after` names. Answers 204 when there are none, and
    with the header X-Reload when there are more than a page of them, or none is named."""
    query = _query(request)
    after = parse_key(request.GET.get("after", ""))
    reload = HttpResponse(status=204, headers={"X-Reload": "1"})
    if after is None:
        return reload
    try:
        lines = search.read_after(query, access.seen(request.user), timezone.now(), after)
    except TooSlow:
        return HttpResponse(status=503)
    if lines is None:
        return reload
    if not lines:
        return HttpResponse(status=204)
    return render(request, "executions/logs/rows.html", {"rows": _rows(lines)})


def _query(request: HttpRequest) -> LogQuery:
    return LogQuery.parse(request.GET, timezone.get_current_timezone())


def _rows(lines: Iterable[Line]) -> list[dict[str, Any]]:
    return [
        {
            "line": line,
            "key": format_key(line.key),
            "short_id": str(line.execution_id)[-8:],
            "details": pretty_json.decode(line.details),
        }
        for line in lines
    ]
