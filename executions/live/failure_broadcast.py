"""Tells pages that failure groups have changed, at most once a second."""

import asyncio
from collections.abc import Collection
from typing import Any

from executions.live.connection import Connection
from executions.live.frames import encode_frame

#: Seconds between two frames.
FAILURES_EVERY = 1.0


class FailureBroadcast:
    """Collects which groups have changed, and tells the pages that show them; the others hear when
    it may have changed how many need somebody."""

    def __init__(self, connections: Collection[Connection]) -> None:
        self._connections = connections
        self._ids: set[str] = set()
        self._is_change = False
        self._due = asyncio.Event()

    def receive(self, message: dict[str, Any]) -> None:
        """Take in that groups have changed."""
        self._ids.update(message["ids"])
        self._is_change |= message["is_change"]
        self._due.set()

    async def run(self) -> None:
        """Tell the pages again and again, until cancelled."""
        # An event belongs to the loop in which it was first waited for.
        self._due = asyncio.Event()
        while True:
            await self._due.wait()
            self._due.clear()
            self._send()
            await asyncio.sleep(FAILURES_EVERY)

    def _send(self) -> None:
        ids, self._ids = self._ids, set()
        is_change, self._is_change = self._is_change, False
        changed, badge = encode_frame("changed", failures=True), encode_frame("failures")
        for connection in self._connections:
            if connection.viewer.shows_failures(ids):
                connection.queue("changed", changed)
            if is_change:
                connection.queue("failures", badge)
