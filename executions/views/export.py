"""Downloads of executions: what is selected, or all that match the filter."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from executions.grid.paging.export import Export
from executions.grid.paging.page_query import PageQuery
from executions.grid.table.layout import Layout
from executions.views import selection
from executions.views.commands import redirect_back

TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest, format: str) -> HttpResponseBase:
    """Executions as a file. An address has filters and layout as the grid's has; a form sends that
    as `query`, and what is selected."""
    if format not in TYPES:
        raise Http404(f"There is no export as {format}.")
    is_form = request.method == "POST"
    parameters = QueryDict(request.POST.get("query", "")) if is_form else request.GET
    query = PageQuery.parse(parameters, Layout.of(request.user, parameters))
    if not query.filters.are_understood:
        # It would give more than was asked for.
        messages.error(request, "Not exported. " + " ".join(query.filters.problems))
        return redirect_back(request)
    chosen = list(selection.read_selection(request.POST)) if is_form else []
    found = Export(request.user, query, chosen)
    parts: Any = found.csv() if format == "csv" else found.json()
    name = f"executions-{timezone.localtime():%Y-%m-%d-%H%M%S}.{format}"
    return StreamingHttpResponse(
        [] if request.method == "HEAD" else parts,
        content_type=TYPES[format],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        },
    )
