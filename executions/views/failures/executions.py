"""The executions of a failure group, as the grid shows them."""

from typing import Any

from django.http import HttpRequest

from executions.grid.paging.page import Page
from executions.grid.paging.page_query import PageQuery
from executions.grid.table.layout import Layout
from executions.models import FailureGroup
from executions.views.grid import rows_context


def grid_context(request: HttpRequest, group: FailureGroup) -> dict[str, Any]:
    """Return the context of the grid on the page of a group."""
    query = PageQuery.parse(request.GET, Layout.for_user(request.user, request.GET))
    query = query.within(group.filters)
    page = Page(request.user, query)
    context = rows_context(request, page, group.get_absolute_url())
    return context | {"retry_filters": _retry_filters(request, group)}


#: What became of the retries: label, icon, and the filter of the grid.
_RETRIES = (
    ("All", "all", ""),
    ("To retry", "error", "-is=retried"),
    ("Being retried", "running", "is=being-retried"),
    ("Retried, ended", "ended", "is=superseded"),
    ("Failed again", "error", "is=failed-again"),
)


def _retry_filters(request: HttpRequest, group: FailureGroup) -> list[dict[str, Any]]:
    """Links to the executions by what became of their retries."""
    asked = {f"{name}={value}" for name, value in request.GET.items()}
    known = {query for _, _, query in _RETRIES if query}
    return [
        {
            "label": label,
            "icon": icon,
            "url": f"{group.get_absolute_url()}?{query}" if query else group.get_absolute_url(),
            "shown": query in asked if query else not known & asked,
        }
        for label, icon, query in _RETRIES
    ]
