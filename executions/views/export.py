"""Download executions: those that are selected, or all that match the filters."""

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
    """Return executions as a file.

    The filters and layout are those of an address of the grid: of this one, or of the `query` of a
    form, which also sends the selected executions.
    """
    if format not in TYPES:
        raise Http404(f"Executions can be exported as CSV or JSON, not as {format}.")
    is_form = request.method == "POST"
    parameters = QueryDict(request.POST.get("query", "")) if is_form else request.GET
    query = PageQuery.parse(parameters, Layout.for_user(request.user, parameters))
    if not query.filters.are_understood:
        # It would give more than was asked for.
        messages.error(request, "Not exported. " + " ".join(query.filters.problems))
        return redirect_back(request)
    chosen = list(selection.read_selection(request.POST)) if is_form else []
    rows = Export(request.user, query, chosen)
    parts: Any = rows.csv() if format == "csv" else rows.json()
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
