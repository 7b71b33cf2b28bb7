"""The executions grid: the page, its refreshed part, and the children of a row."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from executions import access, appearance
from executions.grid.paging.groups import groups
from executions.grid.paging.page import PAGE_SIZE, Page, children
from executions.grid.paging.page_query import OPEN_LIMIT, PageQuery
from executions.grid.paging.tree import count_children
from executions.grid.planner.counts import CAP, Count, total
from executions.grid.query import filter_bar, lexer
from executions.grid.query.filters import Filters
from executions.grid.table import column_chooser
from executions.grid.table.columns import groupings
from executions.grid.table.layout import Children, Layout, view_of
from executions.live.viewers import SHOWN_LIMIT
from executions.states import Status
from executions.views.action_bar import bar
from executions.views.saved_views import is_edited, start_page
from flows import access as flow_access
from flows import queries

#: Where children are listed: the address's word, what the button says, and what its title says.
ORDERS = [
    (Children.PARENT_FIRST.value, "Parent first", "Children below their parents"),
    (Children.CHILD_FIRST.value, "Child first", "Children above their parents"),
    (Children.FLAT.value, "Flat", "Every execution a row of its own, in the order of the grid"),
]


@require_safe
def executions(request: HttpRequest) -> HttpResponse:
    """The home page. htmx, and a page that catches up, get the part that changes."""
    if not request.META["QUERY_STRING"] and (start := start_page(request.user)):
        return start
    view = view_of(request.user, request.GET)
    query = PageQuery.parse(request.GET, Layout.of(request.user, request.GET, view))
    said = reverse("executions") + query.address()
    is_part = bool(request.headers.get("HX-Request")) and not request.headers.get(
        "HX-History-Restore-Request"
    )
    if not is_part and _is_loose(request):
        return redirect(said)
    page = Page(request.user, query)
    counts = page.counts
    context = {
        "section": "executions",
        "part": is_part,
        "page": page,
        "query": query,
        "layout": query.layout,
        "offered": column_chooser.offered(query.layout),
        "view": view,
        "edited": view is not None and is_edited(view, query),
        "orders": ORDERS,
        "here": request.get_full_path(),
        "size": PAGE_SIZE,
        "chips": _chips(query, counts),
        "total": total(counts, query.filters.statuses),
        "live_rows": SHOWN_LIMIT,
        "open_rows": OPEN_LIMIT,
        "patterns": {"word": lexer.WORD, "field": lexer.FIELD},
        "pieces": filter_bar.pieces(query),
        "menu": filter_bar.menu(query),
        "editor": filter_bar.editor(request.user, query, request.GET.get("edit", "")),
        "grouped": groupings()[query.group].label if query.group else "",
        "groupings": _groupings(query),
        "groups": groups(request.user, query) if query.group else None,
        "bar": bar(request.user, query.filters, query.layout.children),
        "sees_all": access.sees_all(request.user),
        "secret": _secret(request.user, query.filters),
    }
    template = "executions/grid.html" if is_part else "executions/executions.html"
    response = render(request, template, context)
    # One address, two contents: a cache must not give one for the other.
    response["Vary"] = "HX-Request, Cookie"
    if is_part and _is_loose(request):
        response["HX-Push-Url"] = said
    return response


def _secret(user: Any, filters: Filters) -> list[str]:
    """The variables that the query asks for and that are secret in a flow which the user may see:
    where they are, no comparison holds, so that nobody learns by asking what is in them."""
    return (
        queries.secret_names(filters.variables, flow_access.visible(user))
        if filters.variables
        else []
    )


def _is_loose(request: HttpRequest) -> bool:
    """Whether an address is that of a form: a typed query that names fields, a variable, a time to
    jump to. The page's own says each by a parameter."""
    typed = Filters.parse_text(request.GET.get("q", ""))
    return typed.are_loose or bool({"at", "variable"} & request.GET.keys())


def _groupings(query: PageQuery) -> list[tuple[str, str, bool]]:
    """What can be grouped by: words, address, and whether it is."""
    found = [
        (one.label, query.grouped_by(key), key == query.group) for key, one in groupings().items()
    ]
    return [("Nothing", query.grouped_by(""), not query.group), *found]


@require_safe
def execution_children(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """The rows below one that is opened in the grid."""
    query = PageQuery.parse(request.GET, Layout.of(request.user, request.GET))
    rows = children(request.user, query, execution_id)
    return render(request, "executions/children.html", {"rows": rows})


@require_safe
def execution_child_counts(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """How many children of an execution are in which status, for the row that sums them up."""
    parent = access.get_or_404(request.user, execution_id)
    counts, whole = count_children(access.visible(request.user), parent.pk)
    context = {"parent": parent, "counts": counts, "whole": whole, "cap": CAP}
    return render(request, "executions/child_counts.html", context)


def _chips(query: PageQuery, counts: dict[str, Count]) -> list[dict[str, Any]]:
    """A chip a status, and one for all; pressing one adds its status to the filter or takes it."""
    filters = query.filters
    chips: list[dict[str, Any]] = [
        {
            "status": "",
            "label": "All",
            "icon": "all",
            "count": counts[""],
            "on": not filters.statuses,
            "address": query.filtered(replace(filters, statuses=frozenset())),
        }
    ]
    for status in CHIP_ORDER:
        toggled = replace(filters, statuses=filters.statuses ^ {status})
        chips.append(
            {
                "status": status.value,
                "label": status.value,
                "icon": appearance.icon_name(status),
                "count": counts[status.value],
                "on": status in filters.statuses,
                "address": query.filtered(toggled),
            }
        )
    return chips


#: What moves first, what needs a person next, what is over last.
CHIP_ORDER = (
    Status.RUNNING,
    Status.QUEUED,
    Status.PAUSING,
    Status.PAUSED,
    Status.EXCEPTION,
    Status.STOPPING,
    Status.STOPPED,
    Status.ENDED,
    Status.ERROR,
)
