"""The executions of a failure group, as the grid shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, QueryDict

from executions.grid.paging.page import Page
from executions.grid.paging.page_query import PageQuery
from executions.grid.table.layout import Layout
from executions.models import FailureGroup
from executions.views.grid import rows_context


def grid_context(request: HttpRequest, group: FailureGroup) -> dict[str, Any]:
    """Return the context of the grid on the page of a group."""
    query = PageQuery.parse(request.GET, Layout.for_user(request.user, request.GET).of_failure)
    query = query.within(group.filters)
    page = Page(request.user, query)
    return rows_context(request, page, group.get_absolute_url())


#: What became of the retries: label, icon, the filter of the grid, and the count of it.
_RETRIES = (
    ("All", "all", "", "all"),
    ("To retry", "error", "-is=retried", "unretried"),
    ("Being retried", "running", "is=being-retried", "live"),
    ("Retried, ended", "ended", "is=superseded", "ended"),
    ("Failed again", "error", "is=failed-again", "failed"),
)


@dataclass(frozen=True, slots=True)
class RetryFilter:
    """A link to the executions of a group whose retries came to the same."""

    label: str
    icon: str
    url: str
    count: int | None
    is_shown: bool


def retry_filters(
    group: FailureGroup, query: QueryDict, counts: Mapping[str, int] | None
) -> list[RetryFilter]:
    """Return links to the executions by what became of their retries."""
    asked = {f"{name}={value}" for name, value in query.items()}
    known = {condition for _, _, condition, _ in _RETRIES if condition}
    address = group.get_absolute_url()
    return [
        RetryFilter(
            label,
            icon,
            f"{address}?{condition}" if condition else address,
            counts[name] if counts else None,
            condition in asked if condition else not known & asked,
        )
        for label, icon, condition, name in _RETRIES
    ]
