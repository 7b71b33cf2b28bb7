"""The live connections: authorize, subscribe to the hub, relay."""

import asyncio
import logging
import time
from contextlib import suppress
from importlib import import_module
from math import isfinite
from typing import Any
from uuid import UUID

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.db import DatabaseError
from django.http import Http404, QueryDict

from executions import access, watches
from executions.grid.paging.page_query import PageQuery
from executions.grid.table.layout import Layout
from executions.live.browser_messages import Malformed, Ping, Show, read
from executions.live.changes import Scope
from executions.live.connection import Connection
from executions.live.hub import hub
from executions.live.viewers import ExecutionViewer, GridViewer, NoViewer, Viewer, message
from executions.presence import Look

logger = logging.getLogger(__name__)

NOT_UNDERSTOOD = 4400
SIGNED_OUT = 4401
NOT_FOUND = 4404
FAILED = 1011
#: Come again: what the user may see has changed.
CHANGED = 1012
#: So many seconds after it was asked last, a connection is asked again whose it is.
ASK_AGAIN = 30.0


class LiveConsumer(AsyncWebsocketConsumer):
    """A signed-in browser, its viewer, and the task that writes to it."""

    # The hub speaks to the channel layer; a subscription for every browser would cost each a
    # connection's worth of work and bring nothing.
    channel_layer_alias = ""

    connection: Connection | None = None
    writer: asyncio.Task[None] | None = None
    #: Of a page that shows one execution: who looks at it.
    look: Look | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Whatever ended it: the browser, or a defect that the log tells.
            await self.end()

    async def connect(self) -> None:
        # Accepted first, because a browser doesn't learn the code of a refused handshake.
        await self.accept()
        user = self.scope["user"]
        if not user.is_authenticated or not user.is_active:
            await self.close(SIGNED_OUT)
            return
        try:
            viewer = await self.viewer(await database_sync_to_async(Scope.of)(user))
            watched = await database_sync_to_async(watches.watched_ids)(user.pk)
        except Http404:
            await self.close(NOT_FOUND)
            return
        except TooManyFieldsSent:
            await self.close(NOT_UNDERSTOOD)
            return
        self.connection = hub.join(viewer, self.age())
        hub.people.join(self.connection, watched)
        if self.look is not None:
            hub.onlookers.join(self.connection, self.look)
        self.writer = asyncio.create_task(self.write(self.connection))

    async def viewer(self, scope: Scope) -> Viewer:
        """Who watches what; Http404 when they may not."""
        raise NotImplementedError

    def age(self) -> float | None:
        """How many seconds ago the page was fetched, at the most; None where it is fetched again
        once it is connected."""
        return None

    async def write(self, connection: Connection) -> None:
        """Relay what the hub has for this browser. A slow one delays nobody else."""
        asked = time.monotonic()
        try:
            while True:
                await connection.wake.wait()  # at the latest at the hub's next heartbeat
                if time.monotonic() - asked > ASK_AGAIN:
                    asked = time.monotonic()
                    if ended := await self.ended(connection.viewer.scope):
                        await self.close(ended)
                        return
                for text in connection.take(hub.rows):
                    await self.send(text)
        except OSError:
            pass  # the browser has left; `disconnect` follows
        except Exception:
            logger.exception("A live connection could not be written to")
            with suppress(OSError):
                await self.close(FAILED)

    async def ended(self, scope: Scope) -> int | None:
        """Why the connection has to end: its user has signed out, may no longer sign in, or sees
        more or less than before."""
        store = import_module(settings.SESSION_ENGINE).SessionStore
        try:
            user = await get_user({"session": store(self.scope["session"].session_key)})
            if not user.is_authenticated:
                return SIGNED_OUT
            now = await database_sync_to_async(Scope.of)(user)
        except DatabaseError:
            return None  # asked again later
        return None if now.sees_all == scope.sees_all else CHANGED

    async def end(self) -> None:
        """Leave the hub, and end the task that writes."""
        if self.writer is not None:
            self.writer.cancel()
        if self.connection is not None:
            await hub.leave(self.connection)
        if self.writer is not None:
            with suppress(asyncio.CancelledError, Exception):
                await self.writer

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.connection is None:
            return  # it is being closed
        try:
            heard = read(text_data)
            if isinstance(heard, Show):
                self.show(self.connection.viewer, heard)
                hub.catch_up(self.connection)
        except Malformed as problem:
            # Told, because the page would go on as if it had been heard.
            await self.answer(message("refused", why=str(problem)[:200]))
            return
        if isinstance(heard, Ping):
            # The browser measures the way and the difference of the clocks.
            await self.answer(message("pong", sent=heard.sent, precise=time.time() * 1000))

    async def answer(self, text: str) -> None:
        """Send a frame to a browser that may have left."""
        with suppress(OSError):
            await self.send(text)

    def show(self, viewer: Any, heard: Show) -> None:
        """What the page shows now. Raises Malformed on a page that shows no rows."""
        raise Malformed("This page shows no rows")


class NowhereConsumer(AsyncWebsocketConsumer):
    """An address at which there is nothing to hear."""

    channel_layer_alias = ""

    async def connect(self) -> None:
        await self.accept()
        await self.close(NOT_FOUND)


class GridConsumer(LiveConsumer):
    """A page of the grid. Its address says what it shows; `show` says so again when that changes
    without a new connection, and names the rows that are there with their revisions."""

    async def viewer(self, scope: Scope) -> GridViewer:
        address = QueryDict(self.scope["query_string"])
        layout = await database_sync_to_async(Layout.of)(scope.user, address)
        return GridViewer(scope, PageQuery.parse(address, layout))

    def age(self) -> float | None:
        """By the browser's clock since it asked for the page, and by the clocks of the servers
        since one of them wrote it: a page out of a browser's cache is older than its visit."""
        address = QueryDict(self.scope["query_string"])
        with suppress(ValueError):
            asked = float(address.get("age", "")) / 1000
            written = time.time() - float(address.get("written", "")) / 1000
            if isfinite(asked) and isfinite(written):
                return max(asked, written)
        return None

    def show(self, viewer: GridViewer, heard: Show) -> None:
        # Laid out as the page was rendered: the user may have chosen otherwise since, on another.
        query = PageQuery.parse(heard.address, Layout.parse(heard.layout))
        viewer.show(
            query,
            dict(heard.rows),
            heard.newest,
            heard.oldest,
            heard.windows,
            heard.heard,
            heard.page,
        )


class NoticesConsumer(LiveConsumer):
    """A page that shows nothing of executions: hears what its user is told."""

    async def viewer(self, scope: Scope) -> NoViewer:
        return NoViewer(scope)


class ExecutionConsumer(LiveConsumer):
    """The page of one execution: hears `changed` frames and fetches what it shows."""

    async def viewer(self, scope: Scope) -> ExecutionViewer:
        execution_id: UUID = self.scope["url_route"]["kwargs"]["execution_id"]
        found = await database_sync_to_async(access.get)(scope.user, execution_id)
        user = scope.user
        key = f"{id(self):x}.{time.time():.3f}"
        self.look = Look(str(found.pk), str(found.root_id), user.pk, user.get_username(), key)
        return ExecutionViewer(scope, execution_id)
