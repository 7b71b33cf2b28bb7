"""Saved views: list, open, save, rename, share and delete them.

Every form works without JavaScript; its `next` says which page to show afterwards.
"""

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseForbidden,
    HttpResponseRedirect,
    QueryDict,
)
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from executions import access, preferences
from executions.grid.paging.page_query import PageQuery
from executions.grid.table.layout import Layout, saved_view_of
from executions.models import SavedView
from executions.views.preferences import back

NAME_LIMIT = 80
#: Views in the menu; their page lists all of them.
IN_MENU = 30


def saved_view_address(view: SavedView) -> str:
    """Return the address of a view, which spells out its filters so that they can be changed."""
    parameters = urlencode({"view": view.pk})
    return f"{reverse('executions')}?{parameters}{'&' if view.query else ''}{view.query}"


def is_edited(view: SavedView, query: PageQuery) -> bool:
    """Whether a page differs from the saved view that it was opened from."""
    saved = query.layout.of_saved_view(view).as_json()
    return query.saved_query() != view.query or saved != query.layout.as_json()


@require_http_methods(["GET", "HEAD", "POST"])
def saved_views(request: HttpRequest) -> HttpResponse:
    """List the views that the user may open; a POST saves another one.

    `at` is the query string of the grid that a view would be saved from. With `menu`, only the
    content of the grid's menu is rendered.
    """
    if request.method == "POST":
        return _create(request)
    at = request.GET.get("at", "").removeprefix("?")
    parameters = QueryDict(at)
    current = saved_view_of(request.user, parameters)
    query = PageQuery.parse(parameters, Layout.for_user(request.user, parameters))
    in_menu = "menu" in request.GET
    rows = preferences.visible_saved_views(request.user)
    chosen = preferences.of(request.user)
    listed = [_listed(request.user, view) for view in (rows[:IN_MENU] if in_menu else rows)]
    context = {
        "section": "views",
        "views": listed,
        "more": in_menu and len(listed) == IN_MENU,
        "current": current,
        "may_save": current is not None
        and preferences.may_change_saved_view(request.user, current),
        "edited": current is not None and is_edited(current, query),
        "start": chosen.start_view_id,
        "at": at,
        "has_filters": query.filters.are_active,
        "next": f"{reverse('executions')}?{at}" if in_menu else "",
    }
    return render(
        request,
        "executions/saved_views_menu.html" if in_menu else "executions/saved_views.html",
        context,
    )


def _listed(user: Any, view: SavedView) -> dict[str, Any]:
    shows = QueryDict(view.query)
    return {
        "view": view,
        "address": saved_view_address(view),
        "mine": view.owner_id == user.pk,
        "may_change": preferences.may_change_saved_view(user, view),
        "shows": ", ".join(f"{name} {value}" for name in shows for value in shows.getlist(name)),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def saved_view(request: HttpRequest, view_id: int) -> HttpResponse:
    """Open a saved view. A POST changes it: `do` is save, rename, share, unshare or delete."""
    found = preferences.get_saved_view(request.user, view_id)
    if request.method != "POST":
        return HttpResponseRedirect(saved_view_address(found))
    if not preferences.may_change_saved_view(request.user, found):
        return HttpResponseForbidden(
            "Only its owner can change this view. Save it as a view of your own instead."
        )
    there = back(request, "saved-views")
    match request.POST.get("do"):
        case "save":
            _read(found, request)
            there = saved_view_address(found)
            message = f"Saved {found.name}."
        case "rename":
            found.name = _name(request) or found.name
            message = f"Renamed to {found.name}."
        case "share":
            found.shared = True
            message = f"Shared {found.name}: everyone who signs in can open it."
        case "unshare":
            found.shared = False
            message = f"{found.name} is private again."
        case "delete":
            found.delete()
            messages.success(request, f"Deleted {found.name}.")
            return HttpResponseRedirect(there)
        case _:
            return HttpResponseRedirect(there)
    if _write(request, found):
        messages.success(request, message)
    return HttpResponseRedirect(there)


def _create(request: HttpRequest) -> HttpResponse:
    made = SavedView(owner_id=int(request.user.pk or 0), name=_name(request))
    if not made.name:
        messages.error(request, "Enter a name for the view.")
        return HttpResponseRedirect(back(request, "saved-views"))
    made.shared = "shared" in request.POST
    _read(made, request)
    if not _write(request, made):
        return HttpResponseRedirect(back(request, "saved-views"))
    messages.success(request, f"Saved {made.name}.")
    return HttpResponseRedirect(saved_view_address(made))


def _write(request: HttpRequest, view: SavedView) -> bool:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        messages.error(request, f"You already have a view named {view.name}. Nothing was changed.")
        return False
    return True


def _read(view: SavedView, request: HttpRequest) -> None:
    """Take over the filters, order and layout of the grid at `at`."""
    parameters = QueryDict(urlsplit("?" + request.POST.get("at", "").removeprefix("?")).query)
    query = PageQuery.parse(parameters, Layout.for_user(request.user, parameters))
    view.query = query.saved_query()
    view.layout = query.layout.as_json()


def _name(request: HttpRequest) -> str:
    return " ".join(request.POST.get("name", "").replace("\0", "").split())[:NAME_LIMIT]


def start_page(user: Any) -> HttpResponse | None:
    """Redirect to the overview or the saved view that the user chose as start page; None without
    one."""
    chosen = preferences.of(user)
    if chosen.starts_at_overview:
        return redirect("overview") if access.sees_some(user) else None
    view = chosen.start_view_id
    found = view and preferences.visible_saved_views(user).filter(pk=view).first()
    return redirect(saved_view_address(found)) if found else None
