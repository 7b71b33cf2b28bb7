"""Pages whose parts the hub sends when they differ: the overview, its wall, and workers' pages.

All browsers that look at the same page share one rendering, once a second at most, and not at all
while nothing changes; each is sent the parts that it does not hold.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Mapping

from channels.db import database_sync_to_async
from django.db import DatabaseError

from executions.live.changes import Visibility
from executions.live.connection import Connection
from executions.live.frames import encode_frame
from executions.live.rendering import RenderedRows
from executions.live.viewers import Viewer
from executions.overview.pages import LivePage, RenderedPart, render

logger = logging.getLogger(__name__)

#: Seconds between two renderings, at least; and while no execution changes, in which workers may
#: fall silent and a span goes on.
RENDER_EVERY = 1.0
RENDER_IDLE = 5.0
#: Share of the time that rendering may take: slow pages are rendered less often.
RENDER_SHARE = 0.2


class LivePageViewer(Viewer):
    """A browser that shows a page in parts."""

    def __init__(self, visibility: Visibility, page: LivePage) -> None:
        super().__init__(visibility)
        self.page = page
        self._held: dict[str, str] = {}
        self._waiting: dict[str, RenderedPart] = {}

    def take(self, parts: Mapping[str, RenderedPart]) -> bool:
        """Keep the parts that the browser does not hold for its next frame; whether there are
        any."""
        for name, part in parts.items():
            if self._held.get(name) != part.digest:
                self._held[name] = part.digest
                self._waiting[name] = part
        return bool(self._waiting)

    def frame(self, rows: RenderedRows) -> str | None:
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return None
        html = "\n".join(part.element for part in waiting.values())
        return encode_frame("parts", html=html)


class LivePageBroadcast:
    """Renders the pages that the connected browsers show, and sends what differs."""

    def __init__(self, connections: Collection[Connection]) -> None:
        self._connections = connections
        #: Whether anything has changed since the last rendering.
        self.is_due = False

    async def run(self) -> None:
        """Render again and again, until cancelled."""
        took, rendered_at = 0.0, 0.0
        while True:
            await asyncio.sleep(max(RENDER_EVERY, took / RENDER_SHARE))
            if self.is_due or time.monotonic() - rendered_at > RENDER_IDLE:
                rendered_at = time.monotonic()
                self.is_due = False
                await self._render()
                took = time.monotonic() - rendered_at

    async def _render(self) -> None:
        sharing: dict[LivePage, list[Connection]] = {}
        for connection in self._connections:
            if isinstance(connection.viewer, LivePageViewer):
                sharing.setdefault(connection.viewer.page, []).append(connection)
        for page, connections in sharing.items():
            try:
                parts = await _rendered(page)
            except DatabaseError as error:
                logger.warning("A live page could not be read: %r", error)
            except Exception:
                logger.exception("A live page could not be rendered")
            else:
                for connection in connections:
                    viewer = connection.viewer
                    if isinstance(viewer, LivePageViewer) and viewer.take(parts):
                        connection.wake.set()


_rendered = database_sync_to_async(render)
