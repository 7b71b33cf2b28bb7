"""Django's ASGI handler, which always releases what a request holds."""

import asyncio
import logging
from typing import Any, Protocol, runtime_checkable

import django
from asgiref.sync import SyncToAsync, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
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
            await _release_thread()
            await response.complete()
        elif getattr(response, "is_async", False):
            await _release_thread()
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


async def _release_thread() -> None:
    """End the thread in which the view of this request ran; what follows gets another one. Its
    database connection goes back to the pool, which a thread that ends would not do."""
    context = SyncToAsync.thread_sensitive_context.get(None)
    executor = None if context is None else SyncToAsync.context_to_thread_executor.get(context)
    if context is None or executor is None:
        return
    try:
        await sync_to_async(_close_connections)()
    finally:
        SyncToAsync.context_to_thread_executor.pop(context, None)
        executor.shutdown(wait=False)


def _close_connections() -> None:
    """Close those of this thread, as the end of a request does."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def application() -> Handler:
    """Return the handler, after setting up Django."""
    django.setup(set_prefix=False)
    return Handler()
