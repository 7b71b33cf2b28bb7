"""The hub: one a web process, between the channel layer and the connected browsers.

It hears every change once, keeps the newest revision of each execution, and at a bounded rate
offers what has changed to the viewers. Its heartbeat goes through Redis and back, so that a
browser which hears it knows that changes would arrive too.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import DatabaseError

from executions import access
from executions.events import EXECUTIONS_CHANGED, ExecutionChanged
from executions.grid.planner.counts import Count, count_by_status
from executions.grid.query.filters import Filters
from executions.live import missed_changes
from executions.live.changes import Changes
from executions.live.connection import Connection
from executions.live.presence_broadcast import Onlookers
from executions.live.rate_limit import WINDOW, Pace
from executions.live.rendering import RenderedRows
from executions.live.viewers import GridViewer, Viewer, message
from executions.live.watches import People
from executions.publishing import GROUP
from executions.store.read import variables_by_path

logger = logging.getLogger(__name__)

#: Changes go out together that many seconds after those before them, or that part of the time that
#: sending those took: when there is much to send, more of it goes together.
PAUSE = 0.05
PAUSE_FACTOR = 0.25
PAUSE_LIMIT = 0.25
#: Counts are taken at most every that many seconds, once for all viewers that share them.
COUNT_EVERY = 2.0
#: Every so many seconds it looks for changes that nobody told of, among those that are older than a
#: message takes and not older than three looks ago.
LOOK_EVERY = 5.0
SETTLED = 1.5
HEARTBEAT = 3.0
#: After that long without hearing its own heartbeat, the hub connects again.
SILENCE = 9.0
RETRY = 1.0
#: Of so many executions the newest revision is remembered.
REMEMBERED = 20_000
#: Who comes to look at something else is told what has changed in the last seconds.
RECENT = 10.0
RECENT_LIMIT = 10_000
#: Processes whose numbering is remembered.
SENDERS = 10_000
#: Seconds after which every process that has sent anything has been heard.
ALL_HEARD = 10.0
#: Seconds over which so many browsers spread it when all of them have to fetch their pages.
SPREAD = 0.01
#: A page that was fetched so many seconds ago is told what has changed since, instead of being
#: fetched again, if that is no more than so many executions. The time that a change carries may be
#: so many seconds off that of its commit.
FETCHED_WITHIN = 30.0
FETCHED_LIMIT = 500
COMMITTED_WITHIN = 3.0
#: Counting may take that share of the time: slow counts are taken less often.
COUNT_SHARE = 0.1


class Hub:
    """Runs while anybody is connected."""

    def __init__(self) -> None:
        self.rows = RenderedRows()
        self.people = People()
        self.onlookers = Onlookers()
        self._connections: set[Connection] = set()
        self._revisions: OrderedDict[str, int] = OrderedDict()
        self._changed: dict[str, ExecutionChanged] = {}
        #: What was offered lately, and when, the latest last.
        self._recent: OrderedDict[str, tuple[float, ExecutionChanged]] = OrderedDict()
        self._repeated: Changes | None = None
        self._pace = Pace()
        self._flush: asyncio.TimerHandle | None = None
        self._rests_until = 0.0
        self._fetching: asyncio.Task[None] | None = None
        self._works: set[asyncio.Task[None]] = set()
        #: The number of the last message of each sender.
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._since = 0.0
        self._uncounted = False
        self._task: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()

    def join(self, viewer: Viewer, age: float | None = None) -> Connection:
        """Start offering changes to a viewer. `age`: that many seconds ago its page was fetched, at
        the most; without it the page is fetched again."""
        is_new = age is not None and 0 <= age < FETCHED_WITHIN
        loop = asyncio.get_running_loop()
        connection = Connection(viewer, loop.time() - age if age is not None and is_new else None)
        self._connections.add(connection)
        if self.listening.is_set() and not is_new:
            # From here on it misses nothing, so what it fetches now stays right.
            connection.note("catchup", message("catchup"))
        if self._task is None or self._task.done():
            # An event belongs to the loop in which it was first waited for.
            self.listening = asyncio.Event()
            self._task = asyncio.create_task(self._run())
        return connection

    async def leave(self, connection: Connection) -> None:
        """Stop offering changes; the last one to leave ends the hub's work."""
        self._connections.discard(connection)
        self.people.leave(connection)
        await self.onlookers.leave(connection)
        if self._connections or self._task is None:
            return
        task, self._task = self._task, None
        self.listening.clear()
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        self._changed.clear()
        self._recent.clear()
        self._repeated = None
        for one in (task, *self._works):
            one.cancel()
        for one in (task, *self._works):
            with suppress(asyncio.CancelledError):
                await one

    def catch_up(self, connection: Connection) -> None:
        """Offer again what has changed in the last seconds: the viewer looks at something else,
        and fetched that before it said so."""
        if connection.fetched_at is not None:
            self._begin(self._tell_since(connection))
            return
        # It may have been counted for what it looked at before.
        self._uncounted = self._uncounted or bool(self._recent)
        if self._repeated is None:
            recent = {one: event for one, (_, event) in self._recent.items()}
            self._repeated = Changes(recent, late=True, watched=self.people.watched)
        self._give([connection], self._repeated)

    async def _tell_since(self, connection: Connection) -> None:
        """Offer a page that has just been opened what has changed since it was fetched, and say
        that it is complete; or have it fetched again."""
        await self.listening.wait()
        fetched_at, connection.fetched_at = connection.fetched_at, None
        if fetched_at is None:
            return
        # What changes from here on is offered as it comes in.
        ago = asyncio.get_running_loop().time() - fetched_at + COMMITTED_WITHIN
        try:
            found = await database_sync_to_async(missed_changes.changed_between)(
                ago, -COMMITTED_WITHIN
            )
            if len(found) > FETCHED_LIMIT:
                connection.note("catchup", message("catchup"))
                return
            events = await database_sync_to_async(missed_changes.events_of)(
                [one for one, _ in found]
            )
        except DatabaseError as error:
            logger.warning("What a new page has missed could not be read: %r", error)
            connection.note("catchup", message("catchup"))
            return
        since = {event.id: event for event in events}
        self._uncounted |= bool(since)
        self._give([connection], Changes(since, late=True, watched=self.people.watched))
        connection.note("complete", message("complete"))

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
            tasks.create_task(self._look())
            tasks.create_task(self.onlookers.run(message))
            self._numbers.clear()
            self._since = time.time()
            self.listening.set()
            self._all_catch_up()
            await self._listen(layer, channel)

    async def _listen(self, layer: Any, channel: str) -> None:
        while True:
            async with asyncio.timeout(SILENCE):
                heard = await layer.receive(channel)
            if heard["type"] == EXECUTIONS_CHANGED:
                self._hear_batch(heard)
            elif heard["type"] == "hub.beat":
                self._tell_all("beat", published=heard["sent"])
            else:
                self.people.hear(heard, message)

    async def _beat(self, layer: Any, channel: str) -> None:
        while True:
            await layer.send(channel, {"type": "hub.beat", "sent": int(time.time() * 1000)})
            await asyncio.sleep(HEARTBEAT)

    async def _look(self) -> None:
        """Hear what the database has and no message told of: one query, whoever watches."""
        began = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_EVERY)
            oldest = min(3 * LOOK_EVERY, time.monotonic() - began)
            try:
                found = await database_sync_to_async(missed_changes.changed_between)(
                    oldest, SETTLED
                )
                unheard = [one for one, rev in found if rev > self._revisions.get(one, 0)]
                if len(unheard) > missed_changes.LIMIT:
                    self._all_catch_up()
                elif unheard:
                    for event in await database_sync_to_async(missed_changes.events_of)(unheard):
                        if event.revision > self._revisions.get(event.id, 0):
                            self._hear(event)
            except DatabaseError as error:
                logger.warning("The hub could not look for missed changes: %r", error)

    async def _forget(self, layer: Any) -> None:
        """Drop the layer's connections, so that the next attempt makes new ones."""
        try:
            await layer.flush()
        except Exception as error:
            logger.warning("The channel layer's connections could not be closed: %r", error)

    def _hear_batch(self, heard: dict[str, Any]) -> None:
        """Changes from one sender, who numbers what it sends: a gap is something lost."""
        sender, number = heard.get("sender", ""), heard.get("number", 0)
        last = self._numbers.get(sender)
        if last is None:
            # Whoever has sent anything repeats it every few seconds: this one had not, or it began
            # after the hub. Of the others it isn't known what they sent before.
            is_new = heard.get("began", 0.0) > self._since or time.time() - self._since > ALL_HEARD
            last = 0 if is_new else number
        self._numbers[sender] = number
        self._numbers.move_to_end(sender)
        if len(self._numbers) > SENDERS:
            self._numbers.popitem(last=False)
        if number > last + bool(heard["events"]):
            logger.warning("Live updates from %s were lost; the pages catch up", sender)
            self._all_catch_up()
        for packed in heard["events"]:
            if packed["revision"] > self._revisions.get(packed["id"], 0):
                self._hear(ExecutionChanged.unpack(packed))

    def _hear(self, event: ExecutionChanged) -> None:
        self._revisions[event.id] = event.revision
        self._revisions.move_to_end(event.id)
        if len(self._revisions) > REMEMBERED:
            self._revisions.popitem(last=False)
        self._changed[event.id] = event
        self.people.changed(event, message)
        if self._flush is None:
            # The first change goes out at once; what follows waits.
            self._flush_at(asyncio.get_running_loop().time())

    # What goes out -----------------------------------------------------------------------------

    def _flush_at(self, when: float) -> None:
        loop = asyncio.get_running_loop()
        self._flush = loop.call_at(max(when, self._rests_until), self._offer)

    def _offer(self) -> None:
        """Offer what has changed, but for rows that were offered a moment ago."""
        loop = asyncio.get_running_loop()
        self._flush = None
        began = loop.time()
        ready: dict[str, ExecutionChanged] = {}
        next_at = began + WINDOW
        for one, event in self._changed.items():
            due = self._pace.due(one)
            if due <= began:
                ready[one] = event
            else:
                next_at = min(next_at, due)
        for one, event in ready.items():
            del self._changed[one]
            self._pace.sent(one, began)
            self._recent[one] = (began, event)
            self._recent.move_to_end(one)
        while self._recent and (
            len(self._recent) > RECENT_LIMIT
            or next(iter(self._recent.values()))[0] < began - RECENT
        ):
            self._recent.popitem(last=False)
        self._repeated = None
        self._uncounted = True
        self._give(self._connections, Changes(ready, watched=self.people.watched))
        if self._changed:
            self._rests_until = began + PAUSE
            self._flush_at(next_at)
        # After the tasks that were woken have written.
        loop.call_soon(self._rest, began)

    def _give(self, connections: Iterable[Connection], changes: Changes) -> None:
        """Offer changes; to viewers whose filters ask for variables, once these are read."""
        ready = [one for one in connections if one.fetched_at is None]
        asking = [one for one in ready if one.viewer.asks]
        plain = [one for one in ready if not one.viewer.asks]
        self._wake([one for one in plain if one.offer(changes)])
        if asking and changes.events:
            self._begin(self._give_with_variables(asking, changes))

    async def _give_with_variables(self, asking: list[Connection], changes: Changes) -> None:
        names = frozenset[str]().union(*(one.viewer.asks for one in asking))
        try:
            found = await _variables(list(changes.events), sorted(names))
        except Exception as error:
            self._catch_up_without_variables(asking, error)
            return
        known = changes.knowing(found)
        # Who has turned to another filter meanwhile is offered it all again.
        still = [one for one in asking if one.viewer.asks <= names]
        self._wake([one for one in still if one.offer(known)])

    def _catch_up_without_variables(self, ones: Iterable[Connection], error: Exception) -> None:
        logger.error("The variables of the grid could not be read", exc_info=error)
        for connection in ones:
            connection.note("catchup", message("catchup"))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)
        return task

    def _rest(self, began: float) -> None:
        took = asyncio.get_running_loop().time() - began
        self._rests_until = began + took + min(PAUSE_LIMIT, max(PAUSE, PAUSE_FACTOR * took))

    def _wake(self, connections: list[Connection]) -> None:
        """Have the frames of these viewers written, once their variables are there."""
        lacking = False
        for connection in connections:
            if connection.viewer.lacking[1]:
                lacking = True
            else:
                connection.wake.set()
        if lacking and (self._fetching is None or self._fetching.done()):
            self._fetching = self._begin(self._fetch())

    async def _fetch(self) -> None:
        """Read what variables hold for all viewers that show any: one query."""
        wanting = [one for one in self._connections if one.viewer.lacking[1]]
        events: dict[str, ExecutionChanged] = {}
        paths: set[str] = set()
        for connection in wanting:
            changed, shown = connection.viewer.lacking
            events.update({event.id: event for event in changed})
            paths.update(shown)
        if not events:
            return
        try:
            found = await _variables(list(events), sorted(paths))
        except Exception as error:
            self._catch_up_without_variables(wanting, error)
            return
        self.rows.hold(events.values(), found)
        for connection in wanting:
            connection.wake.set()

    def _all_catch_up(self) -> None:
        """Have every browser fetch its page, not all in the same moment; but for those that are
        going to be told what has changed since they did."""
        text = message("catchup", within=int(1000 * SPREAD * len(self._connections)))
        for connection in self._connections:
            if connection.fetched_at is None:
                connection.note("catchup", text)

    def _tell_all(self, kind: str, **content: Any) -> None:
        text = message(kind, **content)
        for connection in self._connections:
            connection.note(kind, text)

    async def _count(self) -> None:
        """Tell the grids their counts, each distinct one taken once."""
        took = 0.0
        while True:
            await asyncio.sleep(max(COUNT_EVERY, took / COUNT_SHARE))
            if not self._uncounted:
                continue
            began = time.monotonic()
            self._uncounted = False
            sharing: dict[tuple[Any, Filters], list[tuple[Connection, GridViewer]]] = {}
            for connection in self._connections:
                viewer = connection.viewer
                if isinstance(viewer, GridViewer):
                    sharing.setdefault(viewer.counted, []).append((connection, viewer))
            for (_, filters), viewers in sharing.items():
                try:
                    counts = await _counts(viewers[0][1].scope.user, filters)
                except DatabaseError as error:
                    logger.warning("The counts of the grid could not be taken: %r", error)
                except Exception:
                    logger.exception("The counts of a grid could not be taken")
                else:
                    told = [one.tell_counts(viewer, filters, counts) for one, viewer in viewers]
                    # Who has turned to something else meanwhile is told at the next count.
                    self._uncounted = self._uncounted or not all(told)
            took = time.monotonic() - began


@database_sync_to_async
def _counts(user: Any, filters: Filters) -> dict[str, Count]:
    return count_by_status(access.visible(user), filters)


@database_sync_to_async
def _variables(ids: list[str], paths: list[str]) -> dict[str, dict[str, Any]]:
    return variables_by_path.of(ids, paths)


hub = Hub()
