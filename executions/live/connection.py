"""A connected browser, as the hub writes to it."""

import asyncio
from collections import OrderedDict

from executions.live.changes import CommittedChanges
from executions.live.frames import encode_frame
from executions.live.rendering import RenderedRows
from executions.live.viewers import Viewer


class Connection:
    """A viewer, the frames that wait for it, and what wakes the task that writes them.

    `fetched_at`, on the event loop's clock, is when its page was fetched at the earliest. It is
    None as soon as the browser has been sent what has changed since; before, nothing is offered.
    """

    def __init__(self, viewer: Viewer, fetched_at: float | None = None) -> None:
        self.viewer = viewer
        self.fetched_at = fetched_at
        self.wake = asyncio.Event()
        #: The exception of its viewer, which ends the connection.
        self.failure: Exception | None = None
        #: Whether it has to be checked whose connection it is, before anything else is sent.
        self.must_check_user = False
        self._queue: OrderedDict[str, str] = OrderedDict()

    def queue(self, kind: str, frame: str) -> None:
        """Send a frame soon. A newer one of the same kind replaces it."""
        self._queue[kind] = frame
        self.wake.set()

    def check_user(self) -> None:
        """Have it checked now whether the user may still be connected."""
        self.must_check_user = True
        self.wake.set()

    def catch_up(self) -> None:
        """Have the browser fetch its page again."""
        self.queue("catchup", encode_frame("catchup"))

    def offer(self, changes: CommittedChanges) -> bool:
        """Offer changes to the viewer, and return whether there is anything to send.

        An exception of the viewer ends this connection only.
        """
        try:
            return self.viewer.offer(changes)
        except Exception as error:
            self.fail(error)
            return True

    def fail(self, error: Exception) -> None:
        """End the connection because of an exception."""
        self.failure = error
        self.wake.set()

    def take_frames(self, rows: RenderedRows) -> list[str]:
        """Return all that is to be sent now. Raises the exception of the viewer."""
        self.wake.clear()
        if self.failure is not None:
            raise self.failure
        queued, self._queue = list(self._queue.values()), OrderedDict()
        frame = self.viewer.frame(rows)
        return [frame, *queued] if frame else queued
