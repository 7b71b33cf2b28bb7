"""Offers changes to viewers, once the variables that they need have been read."""

import asyncio
import logging
from collections.abc import Collection, Iterable
from typing import Any

from channels.db import database_sync_to_async

from executions.events import ExecutionChanged
from executions.live.background import BackgroundTasks
from executions.live.changes import CommittedChanges
from executions.live.connection import Connection
from executions.live.rendering import RenderedRows
from executions.store.read import variables_by_path

logger = logging.getLogger(__name__)


class Delivery:
    """Brings changes to the connected viewers, and wakes those that have something to send.

    Variables that filters or columns ask for are read by one query for all viewers together.
    """

    def __init__(
        self, connections: Collection[Connection], rows: RenderedRows, tasks: BackgroundTasks
    ) -> None:
        self._connections = connections
        self._rows = rows
        self._tasks = tasks
        self._reading: asyncio.Task[None] | None = None

    def offer(self, connections: Iterable[Connection], changes: CommittedChanges) -> None:
        """Offer changes to viewers; where filters ask for variables, after these are read."""
        ready = [one for one in connections if one.fetched_at is None]
        asking = [one for one in ready if one.viewer.filter_variables]
        plain = [one for one in ready if not one.viewer.filter_variables]
        self._wake([one for one in plain if one.offer(changes)])
        if asking and changes.events:
            self._tasks.start(self._offer_with_variables(asking, changes))

    async def _offer_with_variables(
        self, asking: list[Connection], changes: CommittedChanges
    ) -> None:
        names = frozenset[str]().union(*(one.viewer.filter_variables for one in asking))
        try:
            found = await _read_variables(list(changes.events), sorted(names))
        except Exception as error:
            _catch_up_instead(asking, error)
            return
        complete = changes.with_variables(found)
        # A viewer that has another filter meanwhile is offered all of it again.
        still = [one for one in asking if one.viewer.filter_variables <= names]
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


@database_sync_to_async
def _read_variables(ids: list[str], paths: list[str]) -> dict[str, dict[str, Any]]:
    return variables_by_path.values_of(ids, paths)


def _catch_up_instead(connections: Iterable[Connection], error: Exception) -> None:
    logger.error("The variables of the grid could not be read", exc_info=error)
    for connection in connections:
        connection.catch_up()
