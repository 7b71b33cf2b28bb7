"""What a user chooses for every page, and how they lay out the grid.

Forms that work without JavaScript: each says by `next` where its user is, and leads back there.
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

from executions import preferences
from executions.grid.table import column_chooser
from executions.grid.table.layout import ALL, PARAMETERS, Layout, is_zone, view_of, zones
from executions.models import Preferences
from flows import formatting

#: Zones that a search offers.
OFFERED = 40


@require_http_methods(["GET", "HEAD", "POST"])
def preferences_page(request: HttpRequest) -> HttpResponse:
    """The page of everything that can be chosen; a form posts what it holds of that."""
    if request.method == "POST":
        return _save(request)
    context = {
        "section": "preferences",
        "chosen": preferences.of(request.user),
        "densities": Preferences.Density.choices,
        "zones": zones(),
        "found": _zones(request.GET.get("q", "")) if "q" in request.GET else None,
        "views": preferences.visible_views(request.user),
    }
    return render(request, "executions/preferences.html", context)


@require_safe
def zone_list(request: HttpRequest) -> HttpResponse:
    """The time zones that a search finds, each with its time now."""
    context = {"found": _zones(request.GET.get("q", ""))}
    return render(request, "executions/zones.html", context)


def _zones(search: str) -> list[dict[str, str]]:
    """Zones whose names hold every word of a search."""
    wanted = search.casefold().replace("_", " ").split()
    names = [
        zone
        for zone in zones()
        if all(word in zone.casefold().replace("_", " ") for word in wanted)
    ]
    now = timezone.now()
    return [
        {
            "name": name,
            "offset": formatting.offset(now.astimezone(ZoneInfo(name))),
            "clock": f"{now.astimezone(ZoneInfo(name)):%H:%M}",
        }
        for name in names[:OFFERED]
    ]


def _save(request: HttpRequest) -> HttpResponse:
    given = request.POST
    chosen = preferences.of(request.user)
    if "zone" in given:
        if given["zone"] and not is_zone(given["zone"]):
            return _refused(request, f"There is no time zone {given['zone'][:64]}.")
        chosen.zone = given["zone"]
    elif "q" in given:
        # The search of the menu, sent without JavaScript.
        return redirect(f"{reverse('preferences')}?{urlencode({'q': given['q']})}")
    if "density" in given:
        if given["density"] not in Preferences.Density.values:
            return _refused(request, "Rows are dense or comfortable.")
        chosen.density = Preferences.Density(given["density"])
    if "keys" in given:
        chosen.single_keys = given["keys"] == "on"
    if "start" in given:
        view = view_of(request.user, QueryDict(urlencode({"view": given["start"]})))
        if given["start"] and view is None:
            return _refused(request, "There is no such view, or it is not shared with you.")
        chosen.start_view = view
    chosen.save()
    return HttpResponseRedirect(back(request, "preferences"))


def _refused(request: HttpRequest, why: str) -> HttpResponse:
    messages.error(request, f"{why} Nothing was changed.")
    return HttpResponseRedirect(back(request, "preferences"))


@require_POST
def columns(request: HttpRequest) -> HttpResponse:
    """Lay out the grid at `next` anew: columns, widths, the order of children.

    A page that shows a saved view, or whose address says its layout, says the new one in its
    address; else it is kept as what its user prefers.
    """
    address = urlsplit(back(request, "executions"))
    parameters = QueryDict(address.query, mutable=True)
    before = Layout.of(request.user, parameters)
    after, problem = column_chooser.chosen(before, request.POST)
    if problem:
        messages.error(request, problem)
    elif _is_of_the_page(before):
        for name in PARAMETERS[1:]:
            parameters.setlist(name, [])
        if "reset" not in request.POST:
            base = Layout.of(request.user, parameters)
            for name, value in after.parameters(base):
                parameters.appendlist(name, value)
    else:
        kept = preferences.of(request.user)
        kept.layout = {} if "reset" in request.POST else after.stored()
        kept.save()
    there = address._replace(query=parameters.urlencode()).geturl()
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"address": there})
    return HttpResponseRedirect(there)


def _is_of_the_page(layout: Layout) -> bool:
    return any(value != ALL for _, value in layout.given)


def back(request: HttpRequest, otherwise: str) -> str:
    """Where the form was: its `next`, or the page that sent it."""
    there: Any = request.POST.get("next") or request.META.get("HTTP_REFERER", "")
    safe = url_has_allowed_host_and_scheme(there, {request.get_host()}, request.is_secure())
    return there if safe else reverse(otherwise)
