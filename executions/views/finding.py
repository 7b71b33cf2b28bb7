"""Parts of the executions page that help to find: what completes a query, and groups."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from executions.grid.paging.groups import groups
from executions.grid.paging.page_query import PageQuery
from executions.grid.query.completion import complete
from executions.grid.query.query_syntax import TEXT_LIMIT
from executions.grid.table.layout import Layout


@require_safe
def completions(request: HttpRequest) -> HttpResponse:
    """What may follow at `caret` in the query `q`: the options of the query box's list."""
    typed = request.GET.get("q", "").replace("\0", "")[:TEXT_LIMIT]
    caret = request.GET.get("caret", "")
    at = int(caret) if caret.isascii() and caret.isdigit() and len(caret) < 6 else len(typed)
    context = {"suggestions": complete(request.user, typed, at)}
    response = render(request, "executions/grid/completions.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def execution_groups(request: HttpRequest) -> HttpResponse:
    """The groups of a grid's address; empty when it asks for none."""
    query = PageQuery.parse(request.GET, Layout.of(request.user, request.GET))
    context = {"groups": groups(request.user, query) if query.group else None, "query": query}
    response = render(request, "executions/grid/groups.html", context)
    response["Cache-Control"] = "no-store"
    return response
