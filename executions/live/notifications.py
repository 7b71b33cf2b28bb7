"""Notifies the connected users, on every page of the site: of executions that they watch, of their
bulk jobs, and of what the bell has for them. It makes no query."""

from collections.abc import Collection, Iterable
from typing import Any

from executions.events import (
    BULK_JOB_CHANGED,
    NOTIFICATIONS_CHANGED,
    USER_CHANGED,
    WATCHES_CHANGED,
    ExecutionChanged,
)
from executions.live.connection import Connection
from executions.live.frames import encode_frame
from executions.watches import notification, notifies


class ConnectedUsers:
    """The users that are connected, their connections, and the executions that they watch."""

    def __init__(self) -> None:
        self._connections: dict[int, set[Connection]] = {}
        self._watched: dict[int, set[str]] = {}
        self._watchers: dict[str, set[int]] = {}

    def join(self, connection: Connection, watched: Iterable[str]) -> None:
        """Add a connection of a user who watches these executions."""
        user_id = connection.viewer.visibility.user.pk
        self._connections.setdefault(user_id, set()).add(connection)
        self._watch(user_id, watched)

    def leave(self, connection: Connection) -> None:
        """Remove a connection, and with the last one of a user what they watch."""
        user_id = connection.viewer.visibility.user.pk
        connections = self._connections.get(user_id, set())
        connections.discard(connection)
        if not connections:
            self._connections.pop(user_id, None)
            self._unwatch(user_id, set(self._watched.get(user_id, ())))

    def watched_by(self, user_id: int) -> Collection[str]:
        """Return the ids of the executions that a connected user watches."""
        return self._watched.get(user_id, ())

    def receive(self, message: dict[str, Any]) -> None:
        """Handle a message of the channel layer that is for one user; ignore others."""
        user_id = message.get("user")
        if user_id not in self._connections:
            return
        if message["type"] == WATCHES_CHANGED:
            ids, on = message["ids"], message["on"]
            (self._watch if on else self._unwatch)(user_id, ids)
            self._queue(user_id, "watches", encode_frame("watches", ids=ids, on=on))
        elif message["type"] == BULK_JOB_CHANGED:
            job_id = message["id"]
            self._queue(user_id, f"bulk {job_id}", encode_frame("bulk", id=job_id))
        elif message["type"] == NOTIFICATIONS_CHANGED:
            self._queue(user_id, "notifications", encode_frame("notifications"))
        elif message["type"] == USER_CHANGED:
            for connection in self._connections[user_id]:
                connection.check_user()

    def notify_watchers(self, event: ExecutionChanged) -> None:
        """Notify the users who watch an execution, and may see it, when it has ended or waits."""
        watchers = self._watchers.get(event.id)
        if not watchers or not notifies(event.status, event.place):
            return
        frame = encode_frame("watch", **notification(event))
        for user_id in watchers:
            for connection in self._connections.get(user_id, ()):
                if connection.viewer.visibility.includes(event):
                    connection.queue(f"watch {event.id}", frame)

    def _queue(self, user_id: int, kind: str, frame: str) -> None:
        for connection in self._connections[user_id]:
            connection.queue(kind, frame)

    def _watch(self, user_id: int, ids: Iterable[str]) -> None:
        for one in ids:
            self._watched.setdefault(user_id, set()).add(one)
            self._watchers.setdefault(one, set()).add(user_id)

    def _unwatch(self, user_id: int, ids: Iterable[str]) -> None:
        watched = self._watched.get(user_id, set())
        for one in ids:
            watched.discard(one)
            watchers = self._watchers.get(one, set())
            watchers.discard(user_id)
            if not watchers:
                self._watchers.pop(one, None)
        if not watched:
            self._watched.pop(user_id, None)
