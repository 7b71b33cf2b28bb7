"""The filters of the grid as parameters of operations: read by the grid's own parser."""

from collections.abc import Collection
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, QueryDict

from executions.api.problems import Problem
from executions.grid.paging.page import Page
from executions.grid.paging.page_query import PageQuery
from executions.grid.query.fields import FIELDS
from executions.grid.query.filters import Filters
from executions.grid.table.layout import ChildOrder, Layout
from executions.grid.table.sorting import Sort
from flows.graph import Message

#: The parameters of a page beside its filters.
PAGE = ("sort", "older", "newer", "at")


def _parameter(name: str, description: str, *, many: bool = True) -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string"}
    return {
        "in": "query",
        "name": name,
        "required": False,
        "description": description,
        "schema": {"type": "array", "items": text} if many else text,
    }


#: The filters of the grid. Each also works negated, with a minus before its name; `var.<path>` is
#: one for a variable.
FILTERS = [
    _parameter(
        field.key,
        f"{field.label}, such as {field.example}." if field.example else f"{field.label}.",
    )
    for field in FIELDS
] + [
    _parameter(
        "q", "A query as it is typed into the grid: `status:Error flow:order-*`.", many=False
    )
]
FILTER_PARAMETERS = [
    *FILTERS,
    _parameter("sort", "The order, such as `-duration`; the newest first without it.", many=False),
    _parameter("older", "The page begins below the execution with this key.", many=False),
    _parameter("newer", "The page ends above the execution with this key.", many=False),
    _parameter("at", "The page begins at this moment.", many=False),
]


def read_filters(parameters: QueryDict, own: Collection[str] = ()) -> Filters:
    """Return the filters of an address, whose further parameters are the operation's `own`.

    Raises Problem for what means nothing.
    """
    return _understood(Filters.parse(_without(parameters, own)))


def read_query(typed: str) -> Filters:
    """Return the filters of a query as it is typed. Raises Problem for what means nothing."""
    return _understood(Filters.parse_text(typed))


def executions_page(request: HttpRequest, size: int, own: Collection[str]) -> Page:
    """Return the page of executions that an address asks for. Raises Problem for what means
    nothing, and when it would take too long."""
    given = _without(request.GET, own)
    _understood(Filters.parse(_without(given, PAGE)))
    query = PageQuery.parse(given, Layout(children=ChildOrder.FLAT))
    _check_place(given, query)
    page = Page(request.user, query, size)
    if page.is_too_slow:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"The query takes longer than {page.seconds} seconds. {page.advice}",
        )
    return page


def _without(parameters: QueryDict, names: Collection[str]) -> QueryDict:
    kept = parameters.copy()
    for name in names:
        kept.pop(name, None)
    return kept


def _understood(filters: Filters) -> Filters:
    if not filters.are_understood:
        unknown = [f"There is no parameter {name}." for name, _ in filters.unknown]
        problems = list(dict.fromkeys([*filters.problems, *unknown]))
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            " ".join(problems),
            messages=[Message("Query", one, "", ("query",)) for one in problems],
        )
    return filters


def _check_place(given: QueryDict, query: PageQuery) -> None:
    """Refuse an order or a place that means nothing: another page would look like the right one."""
    means = {
        "sort": str(Sort.parse(given.get("sort", ""))),
        "older": str(query.older or ""),
        "newer": str(query.newer or ""),
        "at": given.get("at", "") if query.older else "",
    }
    if query.older and given.get("at"):
        means.pop("older")
    wrong = [name for name, meant in means.items() if given.get(name) and given[name] != meant]
    if wrong:
        detail = f"{' and '.join(wrong)}: this means nothing. Take it from an address of a page."
        messages = [Message(name, "This means nothing.", "", ("query", name)) for name in wrong]
        raise Problem(HTTPStatus.BAD_REQUEST, detail, messages=messages)
