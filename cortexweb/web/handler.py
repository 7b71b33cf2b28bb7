"""Django behind ASGI, which gives back what a request holds whatever becomes of it."""

import logging
from typing import Any

import django
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponseBase, HttpResponseServerError

logger = logging.getLogger(__name__)


class Handler(ASGIHandler):
    """Ends each request. Where its answer cannot be made or sent, Django's own would keep its
    connection to the database: after as many as a pool has, nobody gets one."""

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        try:
            response: HttpResponseBase = await super().run_get_response(request)
        except Exception:
            logger.exception("The error page for %s failed too", request.path)
            response = HttpResponseServerError("Something went wrong.\n", content_type="text/plain")
            response._handler_class = self.__class__  # type: ignore[attr-defined]
        return response

    async def send_response(self, response: HttpResponseBase, send: Any) -> None:
        """Send it. Where that ends early the server closes the connection, so that nobody takes
        the answer for whole."""
        try:
            await super().send_response(response, send)
        except Exception:
            logger.exception("A response could not be sent completely")


def application() -> Handler:
    """Django, set up."""
    django.setup(set_prefix=False)
    return Handler()
