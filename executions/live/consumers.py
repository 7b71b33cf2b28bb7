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
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import TooManyFieldsSent
from django.db import DatabaseError
from django.http import Http404, QueryDict
from django.utils import timezone
from django.utils.timezone import get_default_timezone

from executions import access, watches
from executions.data_storage import access as storage_access
from executions.failures import access as failures_access
from executions.grid.paging.page_query import PageQuery
from executions.grid.table.layout import Layout
from executions.live.browser_messages import MalformedMessage, Ping, Show, read
from executions.live.changes import Visibility
from executions.live.connection import Connection
from executions.live.frames import encode_frame
from executions.live.hub import hub
from executions.live.live_pages import LivePageViewer
from executions.live.viewers import (
    ExecutionViewer,
    FailuresViewer,
    FailureViewer,
    FlowsViewer,
    FlowViewer,
    GridViewer,
    LogViewer,
    ShownPage,
    SubjectViewer,
    Viewer,
)
from executions.logs.query import LogQuery
from executions.overview.pages import LivePage, OverviewPage, WorkerPage
from executions.overview.scope import Scope
from executions.preferences import is_time_zone
from executions.presence import OpenPage
from executions.schedules.page import SchedulesPage
from executions.webhooks import access as webhooks_access
from flows import access as flows_access

logger = logging.getLogger(__name__)

# Codes with which a connection is closed.
NOT_UNDERSTOOD = 4400
SIGNED_OUT = 4401
NOT_FOUND = 4404
FAILED = 1011
#: The user sees more or fewer executions than before; the browser connects again.
PERMISSIONS_CHANGED = 1012
#: Seconds between two checks of whose connection it is. The hub asks for one when rights change.
CHECK_USER_EVERY = 30.0


class LiveConsumer(AsyncWebsocketConsumer):
    """A signed-in browser, its viewer, and the task that writes to it."""

    # The hub subscribes to the channel layer; a subscription for every browser would cost each a
    # connection's worth of work and bring nothing.
    channel_layer_alias = ""

    connection: Connection | None = None
    writer: asyncio.Task[None] | None = None
    #: The page of one execution, as others see who is there.
    open_page: OpenPage | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Whatever ended it: the browser, or a defect that is in the log.
            await self.end()

    async def connect(self) -> None:
        # Accepted first, because a browser doesn't learn the code of a refused handshake.
        await self.accept()
        user = self.scope["user"]
        if not user.is_authenticated or not user.is_active:
            await self.close(SIGNED_OUT)
            return
        try:
            visibility = await database_sync_to_async(Visibility.of)(user)
            viewer = await self.viewer(visibility)
            watched = await database_sync_to_async(watches.watched_ids)(user.pk)
        except Http404:
            await self.close(NOT_FOUND)
            return
        except TooManyFieldsSent:
            await self.close(NOT_UNDERSTOOD)
            return
        self.connection = hub.join(viewer, self.page_age())
        hub.users.join(self.connection, watched)
        if self.open_page is not None:
            hub.presence.join(self.connection, self.open_page)
        self.writer = asyncio.create_task(self.write(self.connection))

    async def viewer(self, visibility: Visibility) -> Viewer:
        """Return what the browser looks at. Raises Http404 when its user may not."""
        raise NotImplementedError

    def page_age(self) -> float | None:
        """Return how many seconds ago the page was fetched, at most; None for a page that is
        fetched again once it is connected."""
        return None

    async def write(self, connection: Connection) -> None:
        """Relay what the hub has for this browser. A slow one delays no other."""
        checked_at = time.monotonic()
        try:
            while True:
                await connection.wake.wait()  # at the latest at the hub's next heartbeat
                overdue = time.monotonic() - checked_at > CHECK_USER_EVERY
                if overdue or connection.must_check_user:
                    checked_at, connection.must_check_user = time.monotonic(), False
                    if code := await self.close_code(connection.viewer.visibility):
                        await self.close(code)
                        return
                for frame in connection.take_frames(hub.rows):
                    await self.send(frame)
                    hub.measurements.frames += 1
        except OSError:
            pass  # the browser has left; `disconnect` follows
        except Exception:
            logger.exception("A live connection could not be written to")
            with suppress(OSError):
                await self.close(FAILED)

    async def close_code(self, visibility: Visibility) -> int | None:
        """Return the code to close with when the user has signed out, may no longer sign in, or
        sees more or fewer executions than before; else None."""
        try:
            user = await self.current_user()
            if not user.is_authenticated:
                return SIGNED_OUT
            now = await database_sync_to_async(Visibility.of)(user)
        except DatabaseError:
            return None  # checked again later
        return None if now.rights == visibility.rights else PERMISSIONS_CHANGED

    async def current_user(self) -> Any:
        """Read the user anew, by the session where there is one."""
        session = self.scope.get("session")
        if session is None:
            people = get_user_model()._default_manager.filter(is_active=True)
            return await people.filter(pk=self.scope["user"].pk).afirst() or AnonymousUser()
        store = import_module(settings.SESSION_ENGINE).SessionStore
        return await get_user({"session": store(session.session_key)})

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
            message = read(text_data)
            if isinstance(message, Show):
                self.show(self.connection.viewer, message)
                hub.replay(self.connection)
        except MalformedMessage as problem:
            # The page is told, because it would go on as if it had been heard.
            await self.answer(encode_frame("refused", why=str(problem)[:200]))
            return
        if isinstance(message, Ping):
            # The browser measures the delay and the difference of the clocks.
            await self.answer(encode_frame("pong", sent=message.sent, precise=time.time() * 1000))

    async def answer(self, frame: str) -> None:
        """Send a frame to a browser that may have left."""
        with suppress(OSError):
            await self.send(frame)

    def show(self, viewer: Any, message: Show) -> None:
        """Have the viewer show another page. Raises MalformedMessage on a page without rows."""
        raise MalformedMessage("This page shows no rows")


class NotFoundConsumer(AsyncWebsocketConsumer):
    """Any other address."""

    channel_layer_alias = ""

    async def connect(self) -> None:
        await self.accept()
        await self.close(NOT_FOUND)


class GridConsumer(LiveConsumer):
    """A page of the grid. Its address says what it shows. The browser sends a Show when that
    changes without a new connection, and names the rows that are there with their revisions."""

    async def viewer(self, visibility: Visibility) -> GridViewer:
        address = QueryDict(self.scope["query_string"])
        layout = await database_sync_to_async(Layout.for_user)(visibility.user, address)
        return GridViewer(visibility, PageQuery.parse(address, layout))

    def page_age(self) -> float | None:
        """By the browser's clock since it asked for the page, and by the clocks of the servers
        since one of them wrote it: a page out of a browser's cache is older than its visit."""
        address = QueryDict(self.scope["query_string"])
        with suppress(ValueError):
            asked = float(address.get("age", "")) / 1000
            written = time.time() - float(address.get("written", "")) / 1000
            if isfinite(asked) and isfinite(written):
                return max(asked, written)
        return None

    def show(self, viewer: GridViewer, message: Show) -> None:
        # The layout is that of the page: on another, the user may have chosen other columns since.
        viewer.show(
            ShownPage(
                query=PageQuery.parse(message.address, Layout.parse(message.layout)),
                revisions=dict(message.rows),
                newest=message.newest,
                oldest=message.oldest,
                windows=message.windows,
                last_frame=message.last_frame,
                number=message.page,
            )
        )


class FailureConsumer(GridConsumer):
    """The page of a failure group: a grid of its executions, and `changed` frames."""

    async def viewer(self, visibility: Visibility) -> GridViewer:
        group_id: UUID = self.scope["url_route"]["kwargs"]["group_id"]
        find = database_sync_to_async(failures_access.get_or_404)
        group = await find(visibility.user, group_id)
        address = QueryDict(self.scope["query_string"])
        layout = await database_sync_to_async(Layout.for_user)(visibility.user, address)
        return FailureViewer(visibility, group, PageQuery.parse(address, layout.of_failure))

    def page_age(self) -> float | None:
        """Its parts are fetched again: what has changed since is told of its executions only."""
        return None


class FailuresConsumer(LiveConsumer):
    """The list of failure groups: hears `changed` frames and fetches what it shows."""

    async def viewer(self, visibility: Visibility) -> FailuresViewer:
        return FailuresViewer(visibility)


class ExecutionConsumer(LiveConsumer):
    """The page of one execution: hears `changed` frames and fetches what it shows."""

    async def viewer(self, visibility: Visibility) -> ExecutionViewer:
        execution_id: UUID = self.scope["url_route"]["kwargs"]["execution_id"]
        user = visibility.user
        execution = await database_sync_to_async(access.get_or_404)(user, execution_id)
        self.open_page = OpenPage(
            str(execution.pk),
            str(execution.root_id),
            user.pk,
            user.get_username(),
            key=f"{id(self):x}.{time.time():.3f}",
        )
        return ExecutionViewer(visibility, execution_id)


class FlowsConsumer(LiveConsumer):
    """The list of flows: hears `changed` frames, at most one a second, and fetches what it
    shows."""

    async def viewer(self, visibility: Visibility) -> FlowsViewer:
        return FlowsViewer(visibility)


class FlowConsumer(LiveConsumer):
    """The page of one flow: hears `changed` frames and fetches what it shows."""

    async def viewer(self, visibility: Visibility) -> FlowViewer:
        name: str = self.scope["url_route"]["kwargs"]["name"]
        await database_sync_to_async(flows_access.get)(visibility.user, name)
        return FlowViewer(visibility, name)


class LogConsumer(LiveConsumer):
    """The page of the logs: hears `logs` frames and fetches what is new. Its address says what it
    shows."""

    async def viewer(self, visibility: Visibility) -> LogViewer:
        address = QueryDict(self.scope["query_string"])
        return LogViewer(visibility, LogQuery.parse(address, get_default_timezone()))


class SubjectConsumer(LiveConsumer):
    """A page that hears `changed` frames about subjects, and fetches what it shows."""

    async def viewer(self, visibility: Visibility) -> SubjectViewer:
        words = await database_sync_to_async(self.subject)(visibility.user)
        return SubjectViewer(visibility, *words)

    def subject(self, user: Any) -> tuple[str, ...]:
        """Return the words with which its subjects begin. Raises Http404."""
        raise NotImplementedError


class StorageConsumer(SubjectConsumer):
    """The list of collections."""

    def subject(self, user: Any) -> tuple[str, ...]:
        return ("storage",)


class StorageCollectionConsumer(SubjectConsumer):
    """A collection of Data Storage."""

    def subject(self, user: Any) -> tuple[str, ...]:
        collection_id: int = self.scope["url_route"]["kwargs"]["collection_id"]
        collection = storage_access.collection_or_404(user, collection_id)
        return ("storage", collection.scope, collection.folded_name)


class SignalsConsumer(SubjectConsumer):
    """The list of signals."""

    def subject(self, user: Any) -> tuple[str, ...]:
        return ("signal",)


class WebhookConsumer(SubjectConsumer):
    """The page of a webhook, with its last requests."""

    def subject(self, user: Any) -> tuple[str, ...]:
        webhook_id: int = self.scope["url_route"]["kwargs"]["webhook_id"]
        return ("webhook", str(webhooks_access.get_webhook_or_404(user, webhook_id).pk))


class LivePageConsumer(LiveConsumer):
    """A page of the team: it is sent the parts that differ. Its address ends with the reader's time
    zone."""

    async def viewer(self, visibility: Visibility) -> LivePageViewer:
        zone: str = self.scope["url_route"]["kwargs"]["zone"]
        if not self.may_see(visibility.user) or not is_time_zone(zone):
            raise Http404
        page = await database_sync_to_async(self.page)(visibility.user, zone)
        return LivePageViewer(visibility, page)

    def may_see(self, user: Any) -> bool:
        """Return whether a user whose rights are known may see the page."""
        raise NotImplementedError

    def page(self, user: Any, zone: str) -> LivePage:
        """Return what the browser looks at, with times in a zone."""
        raise NotImplementedError


class OverviewConsumer(LivePageConsumer):
    """The overview, or its wall."""

    wall = False

    def may_see(self, user: Any) -> bool:
        return access.sees_some(user)

    def page(self, user: Any, zone: str) -> LivePage:
        with timezone.override(zone):
            scope = Scope.parse(QueryDict(self.scope["query_string"]), access.seen_flows(user))
        planned = frozenset() if self.wall else flows_access.seen_flow_ids(user)
        return OverviewPage(scope, zone, self.wall, planned)


class WallConsumer(OverviewConsumer):
    """The overview on a wall."""

    wall = True


class SchedulesConsumer(LivePageConsumer):
    """The list of schedules."""

    def may_see(self, user: Any) -> bool:
        return flows_access.sees_flows(user)

    def page(self, user: Any, zone: str) -> LivePage:
        address = QueryDict(self.scope["query_string"])
        selected: int = self.scope["url_route"]["kwargs"]["selected"]
        return SchedulesPage.of(user, address, selected, zone)


class WorkerConsumer(LivePageConsumer):
    """The page of a worker."""

    def may_see(self, user: Any) -> bool:
        return access.sees_all(user)

    def page(self, user: Any, zone: str) -> LivePage:
        return WorkerPage(self.scope["url_route"]["kwargs"]["name"], zone)


class NotificationsConsumer(LiveConsumer):
    """Any other page: hears notifications only."""

    async def viewer(self, visibility: Visibility) -> Viewer:
        return Viewer(visibility)
