"""What the hub tells people, wherever they are on the site: that what they watch has ended or
broken, and that a job of theirs has moved on. It asks the database nothing."""

from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol

from executions.events import BULK_JOB_CHANGED, WATCHES_CHANGED, ExecutionChanged
from executions.watches import notification, notifies

Message = Callable[..., str]


class Noted(Protocol):
    """A connection, as far as it is told things."""

    viewer: Any

    def note(self, kind: str, text: str) -> None: ...


class People:
    """The users that are connected, their connections, and what they watch."""

    def __init__(self) -> None:
        self._connections: dict[int, set[Noted]] = {}
        self._watched: dict[int, set[str]] = {}
        self._watchers: dict[str, set[int]] = {}

    def join(self, connection: Noted, watched: Iterable[str]) -> None:
        """A connection of a user who watches these; others of theirs may be there already."""
        user_id = connection.viewer.scope.user.pk
        self._connections.setdefault(user_id, set()).add(connection)
        self._watch(user_id, watched)

    def leave(self, connection: Noted) -> None:
        user_id = connection.viewer.scope.user.pk
        connections = self._connections.get(user_id, set())
        connections.discard(connection)
        if not connections:
            self._connections.pop(user_id, None)
            self._unwatch(user_id, set(self._watched.get(user_id, ())))

    def watched(self, user_id: int) -> Collection[str]:
        """The executions that a connected user watches."""
        return self._watched.get(user_id, ())

    def hear(self, heard: dict[str, Any], message: Message) -> None:
        """What came through the channel layer; other messages are no business of this."""
        user_id = heard.get("user")
        if user_id not in self._connections:
            return
        if heard["type"] == WATCHES_CHANGED:
            (self._watch if heard["on"] else self._unwatch)(user_id, heard["ids"])
            self._tell(user_id, "watches", message("watches", ids=heard["ids"], on=heard["on"]))
        elif heard["type"] == BULK_JOB_CHANGED:
            self._tell(user_id, f"bulk {heard['id']}", message("bulk", id=heard["id"]))

    def changed(self, event: ExecutionChanged, message: Message) -> None:
        """Tell whoever watches an execution, and may see it, of what has become of it."""
        watchers = self._watchers.get(event.id)
        if not watchers or not notifies(event.status, event.place):
            return
        text = message("watch", **notification(event))
        for user_id in watchers:
            for connection in self._connections.get(user_id, ()):
                if connection.viewer.scope.includes(event):
                    connection.note(f"watch {event.id}", text)

    def _tell(self, user_id: int, kind: str, text: str) -> None:
        for connection in self._connections[user_id]:
            connection.note(kind, text)

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
