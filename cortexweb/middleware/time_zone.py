"""The time zone of a request: its user's choice, else what the browser offers, else the site's."""

from collections.abc import Callable
from urllib.parse import unquote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from executions import preferences
from executions.preferences import is_time_zone

#: The cookie in which static/js/before-paint.js stores the browser's time zone.
COOKIE = "zone"


class TimeZoneMiddleware:
    """Activates the time zone of the request, and sets `request.preferences`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = preferences.of(request.user)
        request.preferences = chosen  # type: ignore[attr-defined]
        offered = unquote(request.COOKIES.get(COOKIE, ""))
        known = (zone for zone in (chosen.zone, offered) if is_time_zone(zone))
        with timezone.override(next(known, settings.TIME_ZONE)):
            return self.get_response(request)
