"""The page of the audit trail: a search, and its export."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from executions import access as execution_access
from executions import audit as audit_trail
from executions.audit import access, search
from executions.audit.search import AuditQuery
from executions.commands.actor import Actor
from executions.grid.paging.export import csv_cell, csv_lines
from executions.models import AuditEntry
from executions.views.logs import SPANS
from flows import access as flow_access

TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
#: The columns of a CSV file whose values are JSON.
_JSON = ("before", "after")


@require_safe
@never_cache
def audit(request: HttpRequest) -> HttpResponse:
    """The entries that are asked for, the newest first."""
    query, now = _query(request), timezone.now()
    page = search.read_page(query, access.condition(request.user), now)
    sees_others = access.sees_others(request.user)
    context = {
        "section": "audit" if sees_others else "account",
        "query": query,
        "query_string": query.query_string(),
        "rows": _rows(request.user, page.entries),
        "is_too_slow": page.is_too_slow,
        "older": query.query_string(page.older) if page.older else "",
        "spans": SPANS,
        "outcomes": AuditEntry.Outcome.choices,
        "offered": search.offered() if sees_others else {},
        "sees_others": sees_others,
    }
    return render(request, "audit/page.html", context)


@require_safe
def audit_export(request: HttpRequest, format: str) -> HttpResponseBase:
    """Return the entries that are asked for as a file: CSV, or JSON with an object on each line."""
    if format not in TYPES:
        raise Http404(f"The audit trail can be exported as CSV or JSON lines, not as {format}.")
    query, now = _query(request), timezone.now()
    if query.problem:
        return HttpResponse(query.problem, "text/plain; charset=utf-8", 400)
    parts: Any = []
    if request.method == "GET":
        detail = query.query_string() or "everything"
        audit_trail.record(Actor.of_request(request), "export-audit", detail=detail)
        batches = search.read_all(query, access.condition(request.user), now)
        parts = _streamed(_csv(batches) if format == "csv" else _json_lines(batches))
    name = f"audit-{timezone.localtime():%Y-%m-%d-%H%M%S}.{format}"
    return StreamingHttpResponse(
        parts,
        content_type=TYPES[format],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        },
    )


async def _streamed(parts: Iterator[str]) -> AsyncIterator[bytes]:
    """Yield parts, each read on a thread that keeps no connection between them."""

    def following() -> str | None:
        part = next(parts, None)
        if not connection.in_atomic_block:
            connection.close()
        return part

    while (part := await sync_to_async(following)()) is not None:
        yield part.encode()


def _csv(batches: Iterator[list[AuditEntry]]) -> Iterator[str]:
    names = list(search.values_of(AuditEntry()))
    # The mark at the beginning is how a spreadsheet knows UTF-8.
    yield "\ufeff" + csv_lines([names])
    for batch in batches:
        yield csv_lines([[csv_cell(_shown(value)) for value in _values(one)] for one in batch])


def _values(entry: AuditEntry) -> list[Any]:
    return list(search.values_of(entry).values())


def _shown(value: Any) -> Any:
    return timezone.localtime(value).isoformat() if hasattr(value, "isoformat") else value


def _json_lines(batches: Iterator[list[AuditEntry]]) -> Iterator[str]:
    for batch in batches:
        lines = [
            json.dumps(
                {name: _shown(value) for name, value in search.values_of(entry).items()},
                ensure_ascii=False,
                default=str,
            )
            for entry in batch
        ]
        yield "\n".join(lines) + "\n"


def _query(request: HttpRequest) -> AuditQuery:
    return AuditQuery.parse(request.GET, timezone.get_current_timezone())


def _rows(user: Any, entries: list[AuditEntry]) -> list[dict[str, Any]]:
    """Return entries with what the page shows of them: links lead to what the user may see."""
    named = {entry.execution_id for entry in entries if entry.execution_id}
    executions = set(
        execution_access.visible(user).filter(pk__in=named).values_list("pk", flat=True)
    )
    names = {entry.flow_name for entry in entries if entry.flow_name}
    flows = set(flow_access.visible(user).filter(name__in=names).values_list("name", flat=True))
    return [
        {
            "entry": entry,
            "has_execution": entry.execution_id in executions,
            "has_flow": entry.flow_name in flows,
            "changes": _changes(entry),
        }
        for entry in entries
    ]


def _changes(entry: AuditEntry) -> list[tuple[str, Any, Any]]:
    """Return the fields that an entry says have changed: before and after."""
    before, after = entry.before or {}, entry.after or {}
    return [
        (name.replace("_", " "), _word(before.get(name)), _word(after.get(name)))
        for name in dict.fromkeys([*before, *after])
    ]


def _word(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return ", ".join(map(str, value)) or "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
