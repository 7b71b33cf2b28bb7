"""The counts by status above the grids, kept up to date."""

import asyncio
import logging
import time
from collections.abc import Collection, Mapping
from typing import Any

from channels.db import database_sync_to_async
from django.db import DatabaseError

from executions import access
from executions.grid.planner.counts import Count, count_by_status, total
from executions.grid.query.filters import Filters
from executions.live.connection import Connection
from executions.live.frames import encode_frame
from executions.live.viewers import GridViewer

logger = logging.getLogger(__name__)

#: Seconds between two counts, at least. One count serves all viewers that share it.
COUNT_EVERY = 2.0
#: Share of the time that counting may take: slow counts are taken less often.
COUNT_SHARE = 0.1


class CountBroadcast:
    """Counts for the connected grids, and sends each the counts of its filters."""

    def __init__(self, connections: Collection[Connection]) -> None:
        self._connections = connections
        #: Whether anything has changed since the last count.
        self.is_due = False

    async def run(self) -> None:
        """Count again and again, until cancelled."""
        took = 0.0
        while True:
            await asyncio.sleep(max(COUNT_EVERY, took / COUNT_SHARE))
            if self.is_due:
                began = time.monotonic()
                self.is_due = False
                await self._count()
                took = time.monotonic() - began

    async def _count(self) -> None:
        sharing: dict[tuple[Any, Filters], list[tuple[Connection, GridViewer]]] = {}
        for connection in self._connections:
            viewer = connection.viewer
            if isinstance(viewer, GridViewer):
                sharing.setdefault(viewer.count_key, []).append((connection, viewer))
        for (_, filters), viewers in sharing.items():
            try:
                counts = await _counts(viewers[0][1].visibility.user, filters)
            except DatabaseError as error:
                logger.warning("The counts of the grid could not be taken: %r", error)
            except Exception:
                logger.exception("The counts of a grid could not be taken")
            else:
                for connection, viewer in viewers:
                    if viewer.count_key[1] == filters:
                        connection.queue("counts", _frame(viewer, counts))
                    else:
                        # It shows something else meanwhile, which the next round counts.
                        self.is_due = True


@database_sync_to_async
def _counts(user: Any, filters: Filters) -> dict[str, Count]:
    return count_by_status(access.visible(user), filters)


def _frame(viewer: GridViewer, counts: Mapping[str, Count]) -> str:
    """The counts by status, and how many executions there are on all pages of the viewer."""
    whole = total(counts, viewer.filters.statuses)
    return encode_frame(
        "counts",
        counts={status: str(count) for status, count in counts.items()},
        page=viewer.page,
        total=str(whole),
        words=whole.description,
    )
