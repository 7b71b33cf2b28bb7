"""Says which pages browsers may cache."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

Respond = Callable[[HttpRequest], HttpResponse]


class CachingMiddleware:
    """Lets browsers keep a whole page for the Back button, privately; other requests fetch it anew.

    A restored page catches up with changes (`static/js/live-connection.js`), and reloads when
    somebody else is signed in (`static/js/back-forward.js`). Parts of pages and data are not
    cached. A view that sets its own header keeps it.
    """

    def __init__(self, get_response: Respond) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if response.has_header("Cache-Control"):
            return response
        is_part = "HX-Request" in request.headers
        is_page = response.get("Content-Type", "").startswith("text/html") and not is_part
        response["Cache-Control"] = "private, no-cache" if is_page else "no-store"
        patch_vary_headers(response, ["HX-Request", "Cookie"])
        return response
