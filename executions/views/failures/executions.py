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
    return rows_context(request, page, group.get_absolute_url())
