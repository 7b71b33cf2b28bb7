"""Keeps the presence of the connected browsers, and notifies pages when it has changed.

All connections of the process share one exchange with Redis every few seconds. A page that is
notified fetches its parts, one of which says who else is there.
"""

import asyncio
from contextlib import suppress

from asgiref.sync import sync_to_async

from executions import presence
from executions.live.connection import Connection
from executions.live.frames import encode_frame
from executions.presence import OpenPage, Person

#: Seconds between two rounds; one begins at once when a page is opened or closed.
ROUND = 3.0
#: Seconds that such a round waits, so that one serves several pages.
GATHER = 0.1

# The Redis client blocks, so it is called in a thread.
_renew = sync_to_async(presence.renew, thread_sensitive=False)
_leave = sync_to_async(presence.leave, thread_sensitive=False)
_people = sync_to_async(presence.people, thread_sensitive=False)


class PresenceBroadcast:
    """The connections of this process whose page shows one execution."""

    def __init__(self) -> None:
        self._pages: dict[Connection, OpenPage] = {}
        #: Who was there in the last round, by the id of the execution.
        self._people: dict[str, list[Person]] = {}
        self._has_changed: asyncio.Event | None = None

    def join(self, connection: Connection, page: OpenPage) -> None:
        """Add the connection of a page that was opened."""
        self._pages[connection] = page
        self._begin_round()

    async def leave(self, connection: Connection) -> None:
        """Remove the connection of a page that was closed."""
        page = self._pages.pop(connection, None)
        if page is not None:
            self._begin_round()
            await _leave(page)

    def _begin_round(self) -> None:
        if self._has_changed is not None:
            self._has_changed.set()

    async def run(self) -> None:
        """Go round after round, until cancelled."""
        has_changed = self._has_changed = asyncio.Event()
        while True:
            has_changed.clear()
            if self._pages:
                await self._round()
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND):
                    await has_changed.wait()
                await asyncio.sleep(GATHER)

    async def _round(self) -> None:
        pages = dict(self._pages)
        await _renew(list(pages.values()))
        now = await _people({page.execution_id for page in pages.values()})
        for connection, page in pages.items():
            people = now.get(page.execution_id, [])
            if people != self._people.get(page.execution_id, people):
                frame = encode_frame("changed", id=page.execution_id, revision=None, children=[])
                connection.queue("people", frame)
        self._people = {
            page.execution_id: now.get(page.execution_id, []) for page in pages.values()
        }
