"""Tells pages what to fetch: numbers of the rail, and the failure groups and other subjects that
they show. Each page is told at most once a second."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from executions.events import FAILURES_CHANGED, SUBJECTS_CHANGED
from executions.live.connection import Connection
from executions.live.frames import encode_frame
from executions.live.viewers import Viewer
from executions.rail_numbers import EVERYBODY, RAIL_NUMBERS, RailNumber

#: Seconds between two frames.
TELL_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Topic:
    """What messages of one type tell pages.

    `subjects` are read from a message; those of a second are collected. `concerns` says whether
    they are about a viewer, who is then sent the frame `kind` with `content`.
    """

    message: str
    subjects: Callable[[Mapping[str, Any]], Iterable[Any]]
    concerns: Callable[[Viewer, Collection[Any]], bool]
    kind: str
    content: Mapping[str, Any]


def _is_among(viewer: Viewer, users: Collection[int | None]) -> bool:
    return EVERYBODY in users or viewer.visibility.user.pk in users


def _of_number(number: RailNumber) -> Topic:
    return Topic(number.message, number.concerns, _is_among, number.name, {})


TOPICS = (
    Topic(
        FAILURES_CHANGED,
        lambda message: message["ids"],
        lambda viewer, ids: viewer.shows_failures(ids),
        "changed",
        {"failures": True},
    ),
    Topic(
        SUBJECTS_CHANGED,
        # The channel layer makes lists of tuples.
        lambda message: map(tuple, message["subjects"]),
        lambda viewer, subjects: viewer.shows_subjects(subjects),
        "changed",
        {"subjects": True},
    ),
    *map(_of_number, RAIL_NUMBERS.values()),
)
#: The types of the messages that it takes in.
MESSAGES = frozenset(topic.message for topic in TOPICS)


class ChangeNotices:
    """Collects what messages are about, and tells the pages that it concerns."""

    def __init__(self, connections: Collection[Connection]) -> None:
        self._connections = connections
        self._subjects: list[set[Any]] = [set() for _ in TOPICS]
        self._due = asyncio.Event()

    def receive(self, message: dict[str, Any]) -> None:
        """Take a message in."""
        for topic, subjects in zip(TOPICS, self._subjects, strict=True):
            if topic.message == message["type"]:
                subjects.update(topic.subjects(message))
        self._due.set()

    async def run(self) -> None:
        """Tell the pages again and again, until cancelled."""
        # An event belongs to the loop in which it was first waited for.
        self._due = asyncio.Event()
        while True:
            await self._due.wait()
            self._due.clear()
            self._send()
            await asyncio.sleep(TELL_EVERY)

    def _send(self) -> None:
        told, self._subjects = self._subjects, [set() for _ in TOPICS]
        for topic, subjects in zip(TOPICS, told, strict=True):
            if not subjects:
                continue
            frame = encode_frame(topic.kind, **topic.content)
            for connection in self._connections:
                if topic.concerns(connection.viewer, subjects):
                    connection.queue(topic.kind, frame)
