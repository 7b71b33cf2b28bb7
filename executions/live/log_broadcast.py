"""Tells pages of logs that there are new lines which may concern them: at most once a second, and
with one query for all of them.

Workers say nothing of their log lines. When executions have changed, the hub looks for new ones,
if anybody follows the logs.
"""

import asyncio
import logging
import time
from collections.abc import Collection

from channels.db import database_sync_to_async
from django.db import DatabaseError, connection

from executions.live.connection import Connection
from executions.live.frames import encode_frame
from executions.live.viewers import LogViewer
from executions.store.read import log_lines
from executions.store.read.log_lines import NewLine

logger = logging.getLogger(__name__)

#: Seconds between two looks, and so between two frames of a page.
LOOK_EVERY = 1.0
#: New lines that one look compares with what pages show; beyond, all pages are told.
NEW_LIMIT = 1_000
#: Seconds for which a line may be committed after one that has a higher id.
COMMITTED_WITHIN = 10.0
#: Ids before the highest one whose lines may not be committed yet.
UNCOMMITTED = 200


class LogBroadcast:
    """The pages of logs among the connections of this process."""

    def __init__(self, connections: Collection[Connection]) -> None:
        self._connections = connections
        #: Whether anything has changed since the last look.
        self.is_due = False
        #: Up to this id all lines have been seen; beyond it, those with these ids, and when.
        self._floor: int | None = None
        self._seen: dict[int, float] = {}

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        self._floor = None
        while True:
            await asyncio.sleep(LOOK_EVERY)
            following = [one for one in self._connections if isinstance(one.viewer, LogViewer)]
            if not following:
                # Who follows next fetches the page first.
                self._floor, self.is_due = None, False
            elif self.is_due:
                self.is_due = False
                try:
                    self._tell(following, await self._look())
                except DatabaseError as error:
                    self.is_due = True
                    logger.warning("The hub could not look for new log lines: %r", error)

    def _tell(self, following: list[Connection], new: list[NewLine] | None) -> None:
        frame = encode_frame("logs")
        for one in following:
            viewer = one.viewer
            assert isinstance(viewer, LogViewer)
            if new is None or any(map(viewer.concerns, new)):
                one.queue("logs", frame)

    async def _look(self) -> list[NewLine] | None:
        """Return the lines that are new since the last look; None where that is not known."""
        now = time.monotonic()
        if self._floor is None:
            # A few before the last one may not be committed yet.
            self._floor = max(0, await _last_id() - UNCOMMITTED)
            found = await _new_lines(self._floor)
            self._seen = dict.fromkeys((line.id for line in found), now)
            return None
        found = await _new_lines(self._floor)
        new = [line for line in found if line.id not in self._seen]
        self._seen.update(dict.fromkeys((line.id for line in new), now))
        old = [one for one, at in self._seen.items() if at < now - COMMITTED_WITHIN]
        if old:
            self._floor = max(self._floor, *old)
            self._seen = {one: at for one, at in self._seen.items() if one > self._floor}
        return None if len(found) == NEW_LIMIT else new


@database_sync_to_async
def _last_id() -> int:
    with connection.cursor() as cursor:
        return log_lines.last_id(cursor)


@database_sync_to_async
def _new_lines(floor: int) -> list[NewLine]:
    with connection.cursor() as cursor:
        return log_lines.new_lines(cursor, floor, NEW_LIMIT)
