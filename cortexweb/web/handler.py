"""Django's ASGI handler, which always releases what a request holds."""

import logging
from typing import Any

import django
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponseBase, HttpResponseServerError

logger = logging.getLogger(__name__)


class Handler(ASGIHandler):
    """Ends each request, even when its response cannot be made or sent. Django's own handler would
    then keep the database connection, until the pool has none left."""

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
    """Return the handler, after setting up Django."""
    django.setup(set_prefix=False)
    return Handler()
