"""Notes when sessions are used, and leads people to set up a second factor where they must."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from cortexweb.accounts import requirement, sessions


class SessionsMiddleware:
    """Notes in a session, once in a while, when and from where it is used. Whoever has to add a
    second factor is led there from any other page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        sessions.record_use(request)
        return response

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponseBase | None:
        name = request.resolver_match and request.resolver_match.url_name
        if name in requirement.REACHABLE or not requirement.must_set_up(request.session):
            return None
        return redirect("set-up-second-factor")
