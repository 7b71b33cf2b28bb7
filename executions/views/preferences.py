"""Preferences of a user, and the layout of the grid.

The forms work without JavaScript: each names in `next` the page that it leads back to.
"""

from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from executions import access, preferences
from executions.commands.actor import Actor
from executions.grid.table import column_chooser
from executions.grid.table.layout import ALL_EXECUTIONS, LAYOUT_PARAMETERS, Layout, saved_view_of
from executions.models import Preferences
from flows import formatting

#: The start page that is not a view of the grid.
OVERVIEW = "overview"
#: Time zones that a search lists.
LISTED_ZONES = 40


@require_http_methods(["GET", "HEAD", "POST"])
def preferences_page(request: HttpRequest) -> HttpResponse:
    """Save the preferences that a form holds; a GET leads to the page of the account."""
    if request.method == "POST":
        return _save(request)
    return redirect("account")


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the page of the account shows of preferences."""
    return {
        "chosen": preferences.of(request.user),
        "densities": Preferences.Density.choices,
        "zones": preferences.time_zones(),
        "found": _zones(request.GET.get("q", "")) if "q" in request.GET else None,
        "views": preferences.visible_saved_views(request.user),
        "sees_all": access.sees_all(request.user),
    }


@require_safe
def zone_list(request: HttpRequest) -> HttpResponse:
    """List the time zones that a search finds, each with its current time."""
    context = {"found": _zones(request.GET.get("q", ""))}
    return render(request, "executions/zones.html", context)


def _zones(search: str) -> list[dict[str, str]]:
    """Return the zones whose names contain every word of a search."""
    wanted = search.casefold().replace("_", " ").split()
    names = [
        zone
        for zone in preferences.time_zones()
        if all(word in zone.casefold().replace("_", " ") for word in wanted)
    ]
    now = timezone.now()
    return [
        {
            "name": name,
            "offset": formatting.offset(now.astimezone(ZoneInfo(name))),
            "clock": f"{now.astimezone(ZoneInfo(name)):%H:%M}",
        }
        for name in names[:LISTED_ZONES]
    ]


def _save(request: HttpRequest) -> HttpResponse:
    given = request.POST
    chosen = preferences.of(request.user)
    if "zone" in given:
        if given["zone"] and not preferences.is_time_zone(given["zone"]):
            return _refused(
                request, f"{given['zone'][:64]} is not a time zone: choose one from the list."
            )
        chosen.zone = given["zone"]
    elif "q" in given:
        # The search of the menu, sent without JavaScript.
        return redirect(f"{reverse('account')}?{urlencode({'q': given['q']})}")
    if "density" in given:
        if given["density"] not in Preferences.Density.values:
            return _refused(request, "Choose dense or comfortable rows.")
        chosen.density = Preferences.Density(given["density"])
    if "keys" in given:
        chosen.single_keys = given["keys"] == "on"
    if given.get("start") == OVERVIEW:
        chosen.starts_at_overview, chosen.start_view = True, None
    elif "start" in given:
        view = saved_view_of(request.user, QueryDict(urlencode({"view": given["start"]})))
        if given["start"] and view is None:
            return _refused(request, preferences.VIEW_NOT_FOUND)
        chosen.starts_at_overview, chosen.start_view = False, view
    preferences.save(chosen, "density", "single_keys", "starts_at_overview", "start_view")
    preferences.save_audited(Actor.of_request(request), chosen, "zone")
    return HttpResponseRedirect(back(request, "account"))


def _refused(request: HttpRequest, why: str) -> HttpResponse:
    messages.error(request, f"{why} Nothing was changed.")
    return HttpResponseRedirect(back(request, "account"))


@require_POST
def columns(request: HttpRequest) -> HttpResponse:
    """Change the columns, widths or child order of the grid at `next`.

    A page that shows a saved view, whose address contains a layout, or that has default columns of
    its own gets the new layout in its address; for any other it is saved in the user's preferences.
    """
    address = urlsplit(back(request, "executions"))
    parameters = QueryDict(address.query, mutable=True)
    before = Layout.for_user(request.user, parameters)
    after, problem = column_chooser.apply(before, request.POST)
    if problem:
        messages.error(request, problem)
    elif _is_in_address(before) or (
        before.has_default_columns and address.path != reverse("executions")
    ):
        for name in LAYOUT_PARAMETERS[1:]:
            parameters.setlist(name, [])
        if "reset" not in request.POST:
            base = Layout.for_user(request.user, parameters)
            for name, value in after.parameters(base):
                parameters.appendlist(name, value)
    else:
        kept = preferences.of(request.user)
        kept.layout = {} if "reset" in request.POST else after.as_json()
        preferences.save(kept, "layout")
    there = address._replace(query=parameters.urlencode()).geturl()
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"address": there})
    return HttpResponseRedirect(there)


def _is_in_address(layout: Layout) -> bool:
    return any(value != ALL_EXECUTIONS for _, value in layout.address_parameters)


def back(request: HttpRequest, otherwise: str) -> str:
    """Return the address that a form leads back to: its `next`, or the page that sent it."""
    there: Any = request.POST.get("next") or request.META.get("HTTP_REFERER", "")
    safe = url_has_allowed_host_and_scheme(there, {request.get_host()}, request.is_secure())
    return there if safe else reverse(otherwise)
