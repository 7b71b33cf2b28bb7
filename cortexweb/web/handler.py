"""Django's ASGI handler, which always releases what a request holds."""

import asyncio
import logging
from typing import Any, Protocol, runtime_checkable

import django
from asgiref.sync import SyncToAsync
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponseBase, HttpResponseServerError

logger = logging.getLogger(__name__)

#: Seconds for which a client may leave unread what it is sent.
STALLED_SECONDS = 60.0


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
            await super().send_response(response, _while_read(send))
        except TimeoutError:
            logger.warning("A client read nothing for %s s; its answer was ended", STALLED_SECONDS)
        except Exception:
            logger.exception("A response could not be sent completely")


def _while_read(send: Any) -> Any:
    """Return what sends as `send` does, and raises TimeoutError when the client reads nothing."""

    async def send_in_time(message: Any) -> None:
        async with asyncio.timeout(STALLED_SECONDS):
            await send(message)

    return send_in_time


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
