"""The executions grid: the page, and the parts of it that are fetched on their own."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from executions import access, appearance
from executions.grid.paging import filter_bar
from executions.grid.paging.groups import group_executions
from executions.grid.paging.page import PAGE_SIZE, Page, children_rows
from executions.grid.paging.page_query import OPEN_LIMIT, PageQuery
from executions.grid.paging.tree import count_children
from executions.grid.planner.counts import CAP, Count, total
from executions.grid.query import lexer
from executions.grid.query.autocompletion import complete
from executions.grid.query.filters import Filters
from executions.grid.query.query_syntax import TEXT_LIMIT
from executions.grid.table import column_chooser
from executions.grid.table.columns import groupings
from executions.grid.table.layout import ChildOrder, Layout, saved_view_of
from executions.live.viewers import SHOWN_LIMIT
from executions.states import Status
from executions.views.action_bar import bar
from executions.views.saved_views import is_edited, start_page
from flows import access as flow_access
from flows import queries

#: Where children are listed: the value in the address, the label and the title of its button.
CHILD_ORDERS = [
    (ChildOrder.PARENT_FIRST.value, "Parent first", "Children below their parents"),
    (ChildOrder.CHILD_FIRST.value, "Child first", "Children above their parents"),
    (ChildOrder.FLAT.value, "Flat", "Every execution a row of its own, in the order of the grid"),
]


@require_safe
def executions(request: HttpRequest) -> HttpResponse:
    """Show the grid. htmx, and a page that catches up, get only the part that changes."""
    if not request.META["QUERY_STRING"] and (start := start_page(request.user)):
        return start
    view = saved_view_of(request.user, request.GET)
    query = PageQuery.parse(request.GET, Layout.for_user(request.user, request.GET, view))
    canonical = reverse("executions") + query.address()
    is_part = bool(request.headers.get("HX-Request")) and not request.headers.get(
        "HX-History-Restore-Request"
    )
    if not is_part and _comes_from_form(request):
        return redirect(canonical)
    page = Page(request.user, query)
    context = rows_context(request, page, reverse("executions"))
    context |= {
        "section": "executions",
        "part": is_part,
        "view": view,
        "edited": view is not None and is_edited(view, query),
        "chips": _chips(query, page.counts),
        "patterns": {"word": lexer.WORD, "field": lexer.FIELD},
        "pieces": filter_bar.pieces(query),
        "menu": filter_bar.menu(query),
        "editor": filter_bar.editor(request.user, query, request.GET.get("edit", "")),
        "grouped": groupings()[query.group].label if query.group else "",
        "groupings": _groupings(query),
        "groups": group_executions(request.user, query) if query.group else None,
        "secret_variables": _secret_variables(request.user, query.filters),
    }
    template = "executions/grid.html" if is_part else "executions/executions.html"
    response = render(request, template, context)
    # One address, two contents: a cache must not give one for the other.
    response["Vary"] = "HX-Request, Cookie"
    if is_part and _comes_from_form(request):
        response["HX-Push-Url"] = canonical
    return response


def rows_context(request: HttpRequest, page: Page, home: str) -> dict[str, Any]:
    """Return the context of the rows with their action bar and what stands below them, on the page
    at `home`."""
    query = page.query
    return {
        "home": home,
        "page": page,
        "query": query,
        "layout": query.layout,
        "column_choices": column_chooser.column_choices(query.layout),
        "orders": CHILD_ORDERS,
        "here": request.get_full_path(),
        "size": PAGE_SIZE,
        "total": total(page.counts, query.filters.statuses),
        "live_rows": SHOWN_LIMIT,
        "open_rows": OPEN_LIMIT,
        "bar": bar(request.user, query.filters, query.layout.children),
        "sees_all": access.sees_all(request.user),
    }


def _secret_variables(user: Any, filters: Filters) -> list[str]:
    """Return the variables in the query that are secret in a flow which the user may see.

    No comparison with a secret variable matches, so nobody can find out its value by filtering.
    """
    return (
        queries.secret_names(filters.variables, flow_access.visible(user))
        if filters.variables
        else []
    )


def _comes_from_form(request: HttpRequest) -> bool:
    """Whether the address comes from a form: with a typed query that names fields, a variable or a
    time to jump to. The addresses of the page have one parameter for each filter instead."""
    typed = Filters.parse_text(request.GET.get("q", ""))
    return typed.name_fields or bool({"at", "variable"} & request.GET.keys())


def _groupings(query: PageQuery) -> list[tuple[str, str, bool]]:
    """Return what the rows can be grouped by: label, address, and whether it is chosen."""
    options = [
        (one.label, query.group_address(key), key == query.group)
        for key, one in groupings().items()
    ]
    return [("Nothing", query.group_address(""), not query.group), *options]


@require_safe
def completions(request: HttpRequest) -> HttpResponse:
    """List what can complete the query `q` at the position `caret`."""
    typed = request.GET.get("q", "").replace("\0", "")[:TEXT_LIMIT]
    caret = request.GET.get("caret", "")
    at = int(caret) if caret.isascii() and caret.isdigit() and len(caret) < 6 else len(typed)
    context = {"suggestions": complete(request.user, typed, at)}
    response = render(request, "executions/grid/completions.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def execution_groups(request: HttpRequest) -> HttpResponse:
    """Show the groups of a grid's address; nothing when it has none."""
    query = PageQuery.parse(request.GET, Layout.for_user(request.user, request.GET))
    context = {
        "groups": group_executions(request.user, query) if query.group else None,
        "query": query,
    }
    response = render(request, "executions/grid/groups.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def execution_children(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """Show the rows of the children of an execution that is opened in the grid."""
    query = PageQuery.parse(request.GET, Layout.for_user(request.user, request.GET))
    rows = children_rows(request.user, query, execution_id)
    return render(request, "executions/children.html", {"rows": rows})


@require_safe
def execution_child_counts(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """Show how many children of an execution are in which status, for the row that sums them up."""
    parent = access.get_or_404(request.user, execution_id)
    counts, whole = count_children(access.visible(request.user), parent.pk)
    context = {"parent": parent, "counts": counts, "whole": whole, "cap": CAP}
    return render(request, "executions/child_counts.html", context)


def _chips(query: PageQuery, counts: dict[str, Count]) -> list[dict[str, Any]]:
    """Return a chip for each status and one for all; pressing one adds or removes its status."""
    filters = query.filters
    chips: list[dict[str, Any]] = [
        {
            "status": "",
            "label": "All",
            "icon": "all",
            "count": counts[""],
            "on": not filters.statuses,
            "address": query.filtered_address(replace(filters, statuses=frozenset())),
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
                "address": query.filtered_address(toggled),
            }
        )
    return chips


#: First what is under way, then what needs a person, last what is over.
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
