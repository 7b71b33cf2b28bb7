"""The hub: one a web process, between the channel layer and the connected browsers.

It receives every change once, keeps the newest revision of each execution, and at a bounded rate
offers what has changed to the viewers.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from contextvars import Context
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.db import DatabaseError

from executions.events import (
    EXECUTIONS_CHANGED,
    FAILURES_CHANGED,
    RIGHTS_CHANGED,
    ExecutionChanged,
)
from executions.live import change_notices, measurements, missed_changes
from executions.live.background import BackgroundTasks
from executions.live.batching import Batcher
from executions.live.change_notices import ChangeNotices
from executions.live.changes import CommittedChanges
from executions.live.connection import Connection
from executions.live.counts import CountBroadcast
from executions.live.delivery import Delivery
from executions.live.ends import AwaitedEnds
from executions.live.frames import encode_frame
from executions.live.live_pages import LivePageBroadcast
from executions.live.log_broadcast import LogBroadcast
from executions.live.notifications import ConnectedUsers
from executions.live.presence_broadcast import PresenceBroadcast
from executions.live.rendering import RenderedRows
from executions.live.subscription import HEARTBEAT, LossDetector, Subscription, subscribe
from executions.live.viewers import Viewer

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: Seconds until the hub subscribes again after a failure.
RECONNECT_AFTER = 1.0
#: Seconds within which it usually listens; whoever waits for an end goes on without after that.
LISTENS_WITHIN = 1.0
#: Seconds for which it goes on after the last of these.
UNUSED_SECONDS = 10.0
#: Seconds between two looks for changes of which no message came. Each reads the changes that are
#: older than a message takes, and younger than three looks.
LOOK_EVERY = 5.0
MESSAGE_TAKES = 1.5
#: When all browsers have to fetch their pages again, they spread that over so many seconds for each
#: browser that is connected.
SPREAD = 0.01
#: A browser whose page was fetched within so many seconds is sent what has changed since then,
#: unless more executions than `FETCHED_LIMIT` have: then it fetches the page again. The time in a
#: change may differ from that of its commit by `COMMITTED_WITHIN` seconds.
FETCHED_WITHIN = 30.0
FETCHED_LIMIT = 500
COMMITTED_WITHIN = 3.0


class Hub:
    """Runs while a browser is connected, or somebody waits for the end of an execution."""

    def __init__(self) -> None:
        self.rows = RenderedRows()
        self.users = ConnectedUsers()
        self.presence = PresenceBroadcast()
        self.measurements = measurements.Measurements.of_this_process()
        self.listening = asyncio.Event()
        self.ends = AwaitedEnds()
        self._connections: set[Connection] = set()
        self._background = BackgroundTasks()
        self._batcher = Batcher(self._offer_batch)
        self._delivery = Delivery(self._connections, self.rows, self._background)
        self._counts = CountBroadcast(self._connections)
        self._logs = LogBroadcast(self._connections)
        self._broadcast = ChangeNotices(self._connections)
        self._pages = LivePageBroadcast(self._connections)
        self._losses = LossDetector()
        #: What has changed lately, for those who turn to another page.
        self._replay: CommittedChanges | None = None
        self._task: asyncio.Task[None] | None = None

    # Connections ---------------------------------------------------------------------------------

    def join(self, viewer: Viewer, page_age: float | None = None) -> Connection:
        """Connect a viewer. Its page was fetched at most `page_age` seconds ago; without that, the
        browser fetches it again."""
        is_new = page_age is not None and 0 <= page_age < FETCHED_WITHIN
        now = asyncio.get_running_loop().time()
        connection = Connection(viewer, now - page_age if page_age is not None and is_new else None)
        self._connections.add(connection)
        if self.listening.is_set() and not is_new:
            # From here on it misses nothing, so what it fetches now stays right.
            connection.catch_up()
        self._begin()
        return connection

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            # An event belongs to the loop in which it was first waited for.
            self.listening = asyncio.Event()
            # It works for all connections: what it logs is not about the request of this one.
            self._task = asyncio.create_task(self._run(), context=Context())

    async def leave(self, connection: Connection) -> None:
        """Disconnect a viewer. The last one to leave ends the hub's work."""
        self._connections.discard(connection)
        self.users.leave(connection)
        await self.presence.leave(connection)
        await self._end_if_unused()

    async def ended(
        self, execution_id: str, seconds: float, read: Callable[[], Awaitable[T | None]]
    ) -> T | None:
        """Wait for the end of an execution (`AwaitedEnds.wait`)."""
        self._begin()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LISTENS_WITHIN):
                    await self.listening.wait()
            return await self.ends.wait(execution_id, seconds, read)
        finally:
            # The next request comes soon, usually: to subscribe anew for each would be slow.
            loop = asyncio.get_running_loop()
            loop.call_later(UNUSED_SECONDS, lambda: loop.create_task(self._end_if_unused()))

    async def _end_if_unused(self) -> None:
        """End the hub's work when nobody needs it."""
        if self._connections or self.ends or self._task is None:
            return
        task, self._task = self._task, None
        self.listening.clear()
        self._batcher.clear()
        self._replay = None
        task.cancel()
        await self._background.cancel()
        with suppress(asyncio.CancelledError):
            await task

    def replay(self, connection: Connection) -> None:
        """Offer again what has changed in the last seconds: the browser has turned to another page,
        and fetched that before it said so."""
        if connection.fetched_at is not None:
            self._background.start(self._offer_since_fetched(connection))
            return
        if self._replay is None:
            recent = self._batcher.recent()
            self._replay = CommittedChanges(recent, replayed=True, watched_by=self.users.watched_by)
        # The viewer's counts may be those of the page before.
        self._counts.is_due |= bool(self._replay)
        self._delivery.offer([connection], self._replay)

    async def _offer_since_fetched(self, connection: Connection) -> None:
        """Offer what has changed since a page was fetched, and then say that it is complete; or
        have it fetched again."""
        await self.listening.wait()
        fetched_at, connection.fetched_at = connection.fetched_at, None
        if fetched_at is None:
            return
        # What changes from here on is offered as it comes in.
        age = asyncio.get_running_loop().time() - fetched_at + COMMITTED_WITHIN
        try:
            found = await _changed_between(age, -COMMITTED_WITHIN)
            if len(found) > FETCHED_LIMIT:
                connection.catch_up()
                return
            events = await _events_of([one for one, _ in found])
        except DatabaseError as error:
            logger.warning("What a new page has missed could not be read: %r", error)
            connection.catch_up()
            return
        since = {event.id: event for event in events}
        self._counts.is_due |= bool(since)
        changes = CommittedChanges(since, replayed=True, watched_by=self.users.watched_by)
        self._delivery.offer([connection], changes)
        connection.queue("complete", encode_frame("complete"))

    def _check_rights(self, users: Collection[int] | None = None) -> None:
        """Have the rights of some users read anew; of all for None."""
        for connection in self._connections:
            user = connection.viewer.visibility.user
            if users is None or user.pk in users:
                connection.check_user()

    def _catch_up_all(self) -> None:
        """Have every browser fetch its page, not all in the same moment; except those that will be
        offered what has changed since they did."""
        frame = encode_frame("catchup", within=int(1000 * SPREAD * len(self._connections)))
        for connection in self._connections:
            if connection.fetched_at is None:
                connection.queue("catchup", frame)

    # What comes in -------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Listen until cancelled, and subscribe again after a failure."""
        while True:
            try:
                async with subscribe() as subscription:
                    await self._listen(subscription)
            except Exception as error:
                logger.warning("The live hub lost its channel layer, connects again: %r", error)
                self._check_rights()
            await asyncio.sleep(RECONNECT_AFTER)

    async def _listen(self, subscription: Subscription) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(subscription.beat())
                tasks.create_task(self._counts.run())
                tasks.create_task(self._logs.run())
                tasks.create_task(self._broadcast.run())
                tasks.create_task(self._pages.run())
                tasks.create_task(self._look_for_missed())
                tasks.create_task(self.presence.run())
                tasks.create_task(self._report())
                tasks.create_task(self._delivery.flows.run())
                self._losses = LossDetector()
                self.listening.set()
                self._catch_up_all()
                while True:
                    self._receive(await subscription.receive())
        finally:
            self.listening.clear()

    def _receive(self, message: dict[str, Any]) -> None:
        if message["type"] == EXECUTIONS_CHANGED:
            if self._losses.has_lost(message):
                logger.warning(
                    "Live updates from %s were lost; pages catch up", message.get("sender")
                )
                self._catch_up_all()
                self._check_rights()
            for packed in message["events"]:
                if self._batcher.is_new(packed["id"], packed["revision"]):
                    self._add(ExecutionChanged.unpack(packed))
        elif message["type"] == HEARTBEAT:
            frame = encode_frame("beat", published=message["sent"])
            for connection in self._connections:
                connection.queue("beat", frame)
        elif message["type"] == RIGHTS_CHANGED:
            self._check_rights(message["users"])
        elif message["type"] in change_notices.MESSAGES:
            self._broadcast.receive(message)
            self._pages.is_due |= message["type"] == FAILURES_CHANGED
        else:
            self.users.receive(message)

    def _add(self, event: ExecutionChanged) -> None:
        self.ends.notify(event)
        self._batcher.add(event)
        self.users.notify_watchers(event)

    async def _look_for_missed(self) -> None:
        """Find changes that are in the database but that no message told of, with one query."""
        began = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_EVERY)
            oldest = min(3 * LOOK_EVERY, time.monotonic() - began)
            try:
                found = await _changed_between(oldest, MESSAGE_TAKES)
                missed = [one for one, revision in found if self._batcher.is_new(one, revision)]
                if len(missed) > missed_changes.LIMIT:
                    self._catch_up_all()
                elif missed:
                    for event in await _events_of(missed):
                        if self._batcher.is_new(event.id, event.revision):
                            self._add(event)
            except DatabaseError as error:
                logger.warning("The hub could not look for missed changes: %r", error)

    async def _report(self) -> None:
        """Report the numbers of this process again and again, until cancelled."""
        while True:
            self.measurements.viewers = len(self._connections)
            await _report(self.measurements)
            await asyncio.sleep(measurements.REPORT_EVERY)

    # What goes out -------------------------------------------------------------------------------

    def _offer_batch(self, events: Mapping[str, ExecutionChanged]) -> None:
        self._replay = None
        self._counts.is_due = self._logs.is_due = self._pages.is_due = True
        changes = CommittedChanges(events, watched_by=self.users.watched_by)
        self._delivery.offer(self._connections, changes)
        self.measurements.count_changes(events.values())


_changed_between = database_sync_to_async(missed_changes.changed_between)
_events_of = database_sync_to_async(missed_changes.events_of)
# The Redis client blocks, so it is called in a thread.
_report = sync_to_async(measurements.report, thread_sensitive=False)

hub = Hub()
