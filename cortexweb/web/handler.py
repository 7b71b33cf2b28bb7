"""Django's ASGI handler, which always releases what a request holds."""

import logging
from typing import Any, Protocol, runtime_checkable

import django
from asgiref.sync import SyncToAsync
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponseBase, HttpResponseServerError

logger = logging.getLogger(__name__)


@runtime_checkable
class Completable(Protocol):
    """A response that waits for its content, on the event loop: without a thread, and without a
    database connection."""

    async def complete(self) -> None: ...


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
        if isinstance(response, Completable):
            _release_thread()
            await response.complete()
        elif getattr(response, "is_async", False):
            _release_thread()
        return response

    async def send_response(self, response: HttpResponseBase, send: Any) -> None:
        """Send it. Where that ends early the server closes the connection, so that nobody takes
        the answer for whole."""
        try:
            await super().send_response(response, send)
        except Exception:
            logger.exception("A response could not be sent completely")


def _release_thread() -> None:
    """End the thread in which the view of this request ran; what follows gets another one."""
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context is not None:
        executor = SyncToAsync.context_to_thread_executor.pop(context, None)
        if executor is not None:
            executor.shutdown(wait=False)


def application() -> Handler:
    """Return the handler, after setting up Django."""
    django.setup(set_prefix=False)
    return Handler()
