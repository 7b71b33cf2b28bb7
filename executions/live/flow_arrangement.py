"""Where flows are arranged, for the filters of connected browsers that ask for that.

No message tells when a flow has moved, since that is rare and may happen anywhere. So it is read
every few seconds, while a filter asks; browsers whose rows may differ then fetch their page.
"""

import asyncio
import logging
import time
from collections.abc import Collection

from channels.db import database_sync_to_async
from django.db import DatabaseError

from executions.live.connection import Connection
from flows import queries
from flows.queries import NOWHERE, Arrangement

logger = logging.getLogger(__name__)

#: Seconds between two reads.
READ_EVERY = 5.0


class KnownArrangement:
    """The arrangement as it was read last, for all connections of a process."""

    def __init__(self, connections: Collection[Connection]) -> None:
        self._connections = connections
        self._known = NOWHERE
        self._read_at = float("-inf")

    async def current(self) -> Arrangement:
        """Return the arrangement as it was at most a few seconds ago."""
        if time.monotonic() - self._read_at > READ_EVERY:
            await self._read()
        return self._known

    async def run(self) -> None:
        """Look for flows that have moved, again and again, until cancelled."""
        while True:
            await asyncio.sleep(READ_EVERY)
            if any(one.viewer.depends_on_flows for one in self._connections):
                try:
                    await self._read()
                except DatabaseError as error:
                    logger.warning("The folders of flows could not be read: %r", error)

    async def _read(self) -> None:
        began = time.monotonic()
        found = await _arrangement()
        has_moved = found != self._known
        self._known, self._read_at = found, began
        if has_moved:
            for connection in self._connections:
                if connection.viewer.depends_on_flows and connection.fetched_at is None:
                    connection.catch_up()


_arrangement = database_sync_to_async(queries.arrangement)
