"""Tells the pages of those who are asked that their questions have changed, at most once a
second."""

import asyncio
from collections.abc import Collection
from typing import Any

from executions.live.connection import Connection
from executions.live.frames import encode_frame

#: Seconds between two frames.
QUESTIONS_EVERY = 1.0


class QuestionBroadcast:
    """Collects whose questions have changed, and has their pages fetch them."""

    def __init__(self, connections: Collection[Connection]) -> None:
        self._connections = connections
        self._users: set[int] = set()
        self._is_for_all = False
        self._due = asyncio.Event()

    def receive(self, message: dict[str, Any]) -> None:
        """Take in whose questions have changed; those of everybody without `users`."""
        users = message["users"]
        self._is_for_all |= users is None
        self._users.update(users or ())
        self._due.set()

    async def run(self) -> None:
        """Tell the pages again and again, until cancelled."""
        # An event belongs to the loop in which it was first waited for.
        self._due = asyncio.Event()
        while True:
            await self._due.wait()
            self._due.clear()
            self._send()
            await asyncio.sleep(QUESTIONS_EVERY)

    def _send(self) -> None:
        users, self._users = self._users, set()
        is_for_all, self._is_for_all = self._is_for_all, False
        frame = encode_frame("questions")
        for connection in self._connections:
            if is_for_all or connection.viewer.visibility.user.pk in users:
                connection.queue("questions", frame)
