"""Saved views: opened, saved, renamed, shared, made the start page, deleted.

Every form works without JavaScript, and says by `next` where to lead afterwards.
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

from executions import preferences
from executions.grid.paging.page_query import PageQuery
from executions.grid.table.layout import Layout, view_of
from executions.models import SavedView
from executions.views.preferences import back

NAME_LIMIT = 80
#: Views in the menu; the page of views lists them all.
IN_MENU = 30


def opened(view: SavedView) -> str:
    """The address that a view opens: what it filters is said there, so that it can be changed."""
    parameters = urlencode({"view": view.pk})
    return f"{reverse('executions')}?{parameters}{'&' if view.query else ''}{view.query}"


def is_edited(view: SavedView, query: PageQuery) -> bool:
    """Whether a page shows something else than the view that it began with."""
    saved = query.layout.as_saved(view).stored()
    return query.terms() != view.query or saved != query.layout.stored()


@require_http_methods(["GET", "HEAD", "POST"])
def views(request: HttpRequest) -> HttpResponse:
    """The views that the user may open; a POST saves another. `at` is the query string of the grid
    that a view would be saved from; with `menu` only what the menu of the grid shows."""
    if request.method == "POST":
        return _create(request)
    at = request.GET.get("at", "").removeprefix("?")
    parameters = QueryDict(at)
    current = view_of(request.user, parameters)
    query = PageQuery.parse(parameters, Layout.of(request.user, parameters))
    in_menu = "menu" in request.GET
    rows = preferences.visible_views(request.user)
    chosen = preferences.of(request.user)
    listed = [_told(request.user, view) for view in (rows[:IN_MENU] if in_menu else rows)]
    context = {
        "section": "views",
        "views": listed,
        "more": in_menu and len(listed) == IN_MENU,
        "current": current,
        "may_save": current is not None and preferences.may_change(request.user, current),
        "edited": current is not None and is_edited(current, query),
        "start": chosen.start_view_id,
        "at": at,
        "has_filters": query.filters.are_active,
        "next": f"{reverse('executions')}?{at}" if in_menu else "",
    }
    return render(
        request, "executions/views_menu.html" if in_menu else "executions/views.html", context
    )


def _told(user: Any, view: SavedView) -> dict[str, Any]:
    shows = QueryDict(view.query)
    return {
        "view": view,
        "address": opened(view),
        "mine": view.owner_id == user.pk,
        "may_change": preferences.may_change(user, view),
        "shows": ", ".join(f"{name} {value}" for name in shows for value in shows.getlist(name)),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def view(request: HttpRequest, view_id: int) -> HttpResponse:
    """Open a view; a POST changes it: `do` is save, rename, share, unshare or delete."""
    found = preferences.get_view(request.user, view_id)
    if request.method != "POST":
        return HttpResponseRedirect(opened(found))
    if not preferences.may_change(request.user, found):
        return HttpResponseForbidden("Only its owner changes a view. Save it as one of your own.")
    there = back(request, "views")
    match request.POST.get("do"):
        case "save":
            _read(found, request)
            there = opened(found)
            told = f"Saved {found.name}."
        case "rename":
            found.name = _name(request) or found.name
            told = f"It is called {found.name} now."
        case "share":
            found.shared = True
            told = f"Everyone who signs in can open {found.name} now."
        case "unshare":
            found.shared = False
            told = f"{found.name} is private again."
        case "delete":
            found.delete()
            messages.success(request, f"Deleted {found.name}.")
            return HttpResponseRedirect(there)
        case _:
            return HttpResponseRedirect(there)
    if _write(request, found):
        messages.success(request, told)
    return HttpResponseRedirect(there)


def _create(request: HttpRequest) -> HttpResponse:
    made = SavedView(owner_id=int(request.user.pk or 0), name=_name(request))
    if not made.name:
        messages.error(request, "A view needs a name.")
        return HttpResponseRedirect(back(request, "views"))
    made.shared = "shared" in request.POST
    _read(made, request)
    if not _write(request, made):
        return HttpResponseRedirect(back(request, "views"))
    messages.success(request, f"Saved {made.name}.")
    return HttpResponseRedirect(opened(made))


def _write(request: HttpRequest, view: SavedView) -> bool:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        messages.error(request, f"There is a view {view.name} already. Nothing was changed.")
        return False
    return True


def _read(view: SavedView, request: HttpRequest) -> None:
    """Take what the grid at `at` shows."""
    parameters = QueryDict(urlsplit("?" + request.POST.get("at", "").removeprefix("?")).query)
    query = PageQuery.parse(parameters, Layout.of(request.user, parameters))
    view.query = query.terms()
    view.layout = query.layout.stored()


def _name(request: HttpRequest) -> str:
    return " ".join(request.POST.get("name", "").replace("\0", "").split())[:NAME_LIMIT]


def start_page(user: Any) -> HttpResponse | None:
    """Where the bare address of the grid leads, for who has chosen a view as their start page."""
    chosen = preferences.of(user).start_view_id
    found = chosen and preferences.visible_views(user).filter(pk=chosen).first()
    return redirect(opened(found)) if found else None
