"""The hub: one a web process, between the channel layer and the connected browsers.

It hears every change once, keeps the newest revision of each execution, and at a bounded rate
offers what has changed to the viewers. Its heartbeat goes through Redis and back, so that a
browser which hears it knows that changes would arrive too.
"""

import asyncio
import logging
import time
from collections import OrderedDict, deque
from contextlib import suppress
from dataclasses import replace
from typing import Any

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import DatabaseError

from executions import access
from executions.grid.counts import count_by_status
from executions.grid.filters import Filters
from executions.live.events import ExecutionChanged
from executions.live.publish import GROUP
from executions.live.viewers import GridViewer, RenderedRows, Viewer, message

logger = logging.getLogger(__name__)

#: A row is sent at most every that many seconds.
TICK = 0.25
#: Counts are taken at most every that many seconds, once for all viewers that share them.
COUNT_EVERY = 2.0
HEARTBEAT = 3.0
#: After that long without hearing its own heartbeat, the hub connects again.
SILENCE = 9.0
RETRY = 1.0
#: Of so many executions the newest revision is remembered.
REMEMBERED = 20_000
#: Who comes to look at something else is told what has changed in the last seconds.
RECENT = 5.0
RECENT_LIMIT = 5_000


class Connection:
    """A viewer and what wakes the task that writes to it."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.wake = asyncio.Event()
        self._notes: OrderedDict[str, str] = OrderedDict()

    def note(self, kind: str, text: str) -> None:
        """Send this soon; only the newest of each kind."""
        self._notes[kind] = text
        self.wake.set()

    def take(self, rows: RenderedRows) -> list[str]:
        """Everything to be sent now."""
        self.wake.clear()
        notes, self._notes = list(self._notes.values()), OrderedDict()
        frame = self.viewer.frame(rows)
        return [frame, *notes] if frame else notes


class Hub:
    """Runs while anybody is connected."""

    def __init__(self) -> None:
        self.rows = RenderedRows()
        self._connections: set[Connection] = set()
        self._revisions: OrderedDict[str, int] = OrderedDict()
        self._changed: dict[str, ExecutionChanged] = {}
        self._recent: deque[tuple[float, ExecutionChanged]] = deque(maxlen=RECENT_LIMIT)
        self._flush: asyncio.TimerHandle | None = None
        self._flushed_at = 0.0
        self._uncounted = False
        self._task: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()

    def join(self, viewer: Viewer) -> Connection:
        """Start offering changes to a viewer."""
        connection = Connection(viewer)
        self._connections.add(connection)
        if self.listening.is_set():
            # From here on it misses nothing, so what it fetches now stays right.
            connection.note("catchup", message("catchup"))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return connection

    async def leave(self, connection: Connection) -> None:
        """Stop offering changes; the last one to leave ends the hub's work."""
        self._connections.discard(connection)
        if self._connections or self._task is None:
            return
        task, self._task = self._task, None
        self.listening.clear()
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        self._changed.clear()
        self._recent.clear()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    def catch_up(self, connection: Connection) -> None:
        """Offer again what has changed in the last seconds: the viewer looks at something else,
        and fetched that before it said so. These are late by nature, so they measure no delay."""
        newest = {event.id: replace(event, published_at=0.0) for _, event in self._recent}
        if connection.viewer.offer(newest.values()):
            connection.wake.set()

    # What comes in -----------------------------------------------------------------------------

    async def _run(self) -> None:
        """Listen until cancelled, whatever happens to Redis meanwhile."""
        layer = get_channel_layer()
        while True:
            try:
                channel = await layer.new_channel()
                try:
                    await layer.group_add(GROUP, channel)
                    await self._serve(layer, channel)
                finally:
                    await layer.group_discard(GROUP, channel)
            except Exception as error:
                logger.warning("The live hub lost its channel layer, connects again: %r", error)
            self.listening.clear()
            await self._forget(layer)
            await asyncio.sleep(RETRY)

    async def _serve(self, layer: Any, channel: str) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat(layer, channel))
            tasks.create_task(self._count())
            self.listening.set()
            self._tell_all("catchup")
            await self._listen(layer, channel)

    async def _listen(self, layer: Any, channel: str) -> None:
        while True:
            async with asyncio.timeout(SILENCE):
                heard = await layer.receive(channel)
            if heard["type"] == "executions.changed":
                for packed in heard["events"]:
                    self._hear(ExecutionChanged.unpack(packed))
            elif heard["type"] == "hub.beat":
                self._tell_all("beat", published=heard["sent"])

    async def _beat(self, layer: Any, channel: str) -> None:
        while True:
            await layer.send(channel, {"type": "hub.beat", "sent": int(time.time() * 1000)})
            await asyncio.sleep(HEARTBEAT)

    async def _forget(self, layer: Any) -> None:
        """Drop the layer's connections, so that the next attempt makes new ones."""
        try:
            await layer.flush()
        except Exception as error:
            logger.warning("The channel layer's connections could not be closed: %r", error)

    def _hear(self, event: ExecutionChanged) -> None:
        if event.revision <= self._revisions.get(event.id, 0):
            return
        self._revisions[event.id] = event.revision
        self._revisions.move_to_end(event.id)
        if len(self._revisions) > REMEMBERED:
            self._revisions.popitem(last=False)
        self._changed[event.id] = event
        if self._flush is None:
            # The first change goes out at once; what follows waits for the next tick.
            loop = asyncio.get_running_loop()
            due = max(loop.time(), self._flushed_at + TICK)
            self._flush = loop.call_at(due, self._offer)

    # What goes out -----------------------------------------------------------------------------

    def _offer(self) -> None:
        self._flush = None
        now = self._flushed_at = asyncio.get_running_loop().time()
        changes = list(self._changed.values())
        self._changed.clear()
        self._uncounted = True
        self._recent.extend((now, event) for event in changes)
        while self._recent and self._recent[0][0] < now - RECENT:
            self._recent.popleft()
        for connection in self._connections:
            if connection.viewer.offer(changes):
                connection.wake.set()

    def _tell_all(self, kind: str, **content: Any) -> None:
        text = message(kind, **content)
        for connection in self._connections:
            connection.note(kind, text)

    async def _count(self) -> None:
        """Tell the grids their counts, each distinct one taken once."""
        while True:
            await asyncio.sleep(COUNT_EVERY)
            if not self._uncounted:
                continue
            self._uncounted = False
            sharing: dict[tuple[Any, Filters], list[Connection]] = {}
            for connection in self._connections:
                if isinstance(connection.viewer, GridViewer):
                    sharing.setdefault(connection.viewer.counted, []).append(connection)
            for (_, filters), connections in sharing.items():
                try:
                    counts = await _counts(connections[0].viewer.scope.user, filters)
                except DatabaseError as error:
                    logger.warning("The counts of the grid could not be taken: %r", error)
                    continue
                text = message("counts", counts={k: str(count) for k, count in counts.items()})
                for connection in connections:
                    connection.note("counts", text)


@database_sync_to_async
def _counts(user: Any, filters: Filters) -> dict[str, Any]:
    return count_by_status(access.visible(user), filters)


hub = Hub()
