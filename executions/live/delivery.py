"""Offers changes to viewers, once what their filters need beside an event has been read."""

import asyncio
import logging
from collections.abc import Collection, Iterable
from typing import Any

from channels.db import database_sync_to_async

from executions.events import ExecutionChanged
from executions.live.background import BackgroundTasks
from executions.live.changes import CommittedChanges
from executions.live.connection import Connection
from executions.live.flow_arrangement import KnownArrangement
from executions.live.rendering import RenderedRows
from executions.live.viewers import Viewer
from executions.store.read import variables_by_path
from flows.queries import NOWHERE

logger = logging.getLogger(__name__)


class Delivery:
    """Brings changes to the connected viewers, and wakes those that have something to send.

    Variables that filters or columns ask for are read by one query for all viewers together. Where
    flows are arranged is read where filters ask for that.
    """

    def __init__(
        self, connections: Collection[Connection], rows: RenderedRows, tasks: BackgroundTasks
    ) -> None:
        self.flows = KnownArrangement(connections)
        self._connections = connections
        self._rows = rows
        self._tasks = tasks
        self._reading: asyncio.Task[None] | None = None

    def offer(self, connections: Iterable[Connection], changes: CommittedChanges) -> None:
        """Offer changes to viewers; to those whose filters need more, after that is read."""
        ready = [one for one in connections if one.fetched_at is None]
        asking = [one for one in ready if _asks(one.viewer)]
        plain = [one for one in ready if not _asks(one.viewer)]
        self._wake([one for one in plain if one.offer(changes)])
        if asking and changes.events:
            self._tasks.start(self._offer_once_read(asking, changes))

    async def _offer_once_read(self, asking: list[Connection], changes: CommittedChanges) -> None:
        names = frozenset[str]().union(*(one.viewer.filter_variables for one in asking))
        try:
            found = await _read_variables(list(changes.events), sorted(names)) if names else {}
            by_flows = any(one.viewer.depends_on_flows for one in asking)
            flows = await self.flows.current() if by_flows else NOWHERE
        except Exception as error:
            _catch_up_instead(asking, error)
            return
        complete = changes.with_read(found, flows)
        # A viewer that has another filter meanwhile is offered all of it again.
        still = [
            one
            for one in asking
            if one.viewer.filter_variables <= names and one.viewer.depends_on_flows <= by_flows
        ]
        self._wake([one for one in still if one.offer(complete)])

    def _wake(self, connections: list[Connection]) -> None:
        """Have frames written: at once, or when the variables of the viewer's columns are read."""
        is_incomplete = False
        for connection in connections:
            if connection.viewer.column_variables:
                is_incomplete = True
            else:
                connection.wake.set()
        if is_incomplete and (self._reading is None or self._reading.done()):
            self._reading = self._tasks.start(self._read_columns())

    async def _read_columns(self) -> None:
        waiting = [one for one in self._connections if one.viewer.column_variables]
        events: dict[str, ExecutionChanged] = {}
        paths: set[str] = set()
        for connection in waiting:
            events.update({event.id: event for event in connection.viewer.pending})
            paths.update(connection.viewer.column_variables)
        if not events:
            return
        try:
            found = await _read_variables(list(events), sorted(paths))
        except Exception as error:
            _catch_up_instead(waiting, error)
            return
        self._rows.set_variables(events.values(), found)
        for connection in waiting:
            connection.wake.set()


def _asks(viewer: Viewer) -> bool:
    """Whether a viewer's filter needs more than an event says."""
    return bool(viewer.filter_variables or viewer.depends_on_flows)


@database_sync_to_async
def _read_variables(ids: list[str], paths: list[str]) -> dict[str, dict[str, Any]]:
    return variables_by_path.values_of(ids, paths)


def _catch_up_instead(connections: Iterable[Connection], error: Exception) -> None:
    logger.error("What the grid shows beside an event could not be read", exc_info=error)
    for connection in connections:
        connection.catch_up()
