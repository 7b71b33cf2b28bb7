"""A connected browser as the hub writes to it."""

import asyncio
from collections import OrderedDict

from executions.grid.planner.counts import Count, total
from executions.grid.query.filters import Filters
from executions.live.changes import Changes
from executions.live.rendering import RenderedRows
from executions.live.viewers import GridViewer, Viewer, message


class Connection:
    """A viewer and what wakes the task that writes to it.

    `fetched_at`, on the event loop's clock, is when its page was fetched at the earliest, until it
    has said what it shows and been told what has changed since; it is offered nothing before.
    """

    def __init__(self, viewer: Viewer, fetched_at: float | None = None) -> None:
        self.viewer = viewer
        self.fetched_at = fetched_at
        self.wake = asyncio.Event()
        #: Why it has to end, and come again: its viewer raised that.
        self.failure: Exception | None = None
        self._notes: OrderedDict[str, str] = OrderedDict()

    def note(self, kind: str, text: str) -> None:
        """Send this soon; only the newest of each kind."""
        self._notes[kind] = text
        self.wake.set()

    def offer(self, changes: Changes) -> bool:
        """Offer changes to its viewer; whether there is anything to be sent. What one viewer
        raises ends its own connection, and keeps nothing from the others."""
        try:
            return self.viewer.offer(changes)
        except Exception as error:
            self.fail(error)
            return True

    def fail(self, error: Exception) -> None:
        self.failure = error
        self.wake.set()

    def take(self, rows: RenderedRows) -> list[str]:
        """Everything to be sent now. Raises what its viewer raised."""
        self.wake.clear()
        if self.failure is not None:
            raise self.failure
        notes, self._notes = list(self._notes.values()), OrderedDict()
        frame = self.viewer.frame(rows)
        return [frame, *notes] if frame else notes

    def tell_counts(self, viewer: GridViewer, filters: Filters, counts: dict[str, Count]) -> bool:
        """Send the counts of these filters, and how many are on all pages of its viewer; whether it
        still looks at them."""
        if viewer.counted[1] != filters:
            return False
        whole = total(counts, viewer.filters.statuses)
        texts = {status: str(count) for status, count in counts.items()}
        told = {"page": viewer.page, "total": str(whole), "words": whole.words}
        self.note("counts", message("counts", counts=texts, **told))
        return True
