"""What one connected browser watches, and the frames that it is sent.

A viewer decides by the event alone: no query, and no HTML of its own.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from executions import access
from executions.grid.filters import Filters
from executions.grid.keys import Key
from executions.grid.layout import Layout
from executions.grid.page import PageQuery
from executions.grid.row import GridRow, RenderedCells
from executions.live.events import ExecutionChanged

#: More changed rows than that at a time, and the browser fetches its page instead.
PENDING_LIMIT = 500
#: Rows that one browser can name as shown; a page with everything open has about that many.
SHOWN_LIMIT = 5_000


@dataclass(frozen=True)
class Scope:
    """Whose executions a user sees (`executions.access`), as it was when they connected."""

    user: Any
    sees_all: bool

    @classmethod
    def of(cls, user: Any) -> "Scope":
        """Asks the database for the user's permissions."""
        return cls(user, access.sees_all(user))

    def includes(self, event: ExecutionChanged) -> bool:
        return self.sees_all or event.initiator_id == self.user.pk


class RenderedRows:
    """Rows as parts of a frame, each rendered once for all viewers. Old ones are dropped."""

    def __init__(self, limit: int = 5_000) -> None:
        self._limit = limit
        self._parts: OrderedDict[tuple[str, Layout], tuple[int, str]] = OrderedDict()
        self._cells = RenderedCells()
        self.rendered = 0

    def part(self, event: ExecutionChanged, layout: Layout) -> str:
        """The JSON object of a row; `layout` is that of `PageQuery.row_layout`."""
        kept = self._parts.get((event.id, layout))
        if kept and kept[0] == event.revision:
            return kept[1]
        self.rendered += 1
        part = json.dumps(
            {
                "id": event.id,
                "revision": event.revision,
                "key": str(Key.of(event)),
                "parent": event.parent_id,
                "html": GridRow(event, layout=layout, cells=self._cells).render(),
            }
        )
        self._parts[(event.id, layout)] = (event.revision, part)
        self._parts.move_to_end((event.id, layout))
        if len(self._parts) > self._limit:
            self._parts.popitem(last=False)
        return part


class Viewer(Protocol):
    """A connected browser as the hub sees it."""

    scope: Scope

    def offer(self, changes: Iterable[ExecutionChanged]) -> bool:
        """Keep the changes that it is to see; whether there were any."""

    def frame(self, rows: RenderedRows) -> str | None:
        """What it is to be sent now, once; None for nothing."""


class GridViewer:
    """Someone who looks at a page of the grid."""

    def __init__(self, scope: Scope, query: PageQuery) -> None:
        self.scope = scope
        self._pending: dict[str, ExecutionChanged] = {}
        self._overrun = False
        self.show(query)

    def show(
        self,
        query: PageQuery,
        shown: Mapping[str, int] | None = None,
        newest: str = "",
        oldest: str = "",
    ) -> None:
        """What the page shows now: its address, the revisions of its rows by their ids, and where
        it begins and ends (empty: at the top, at the end of the list)."""
        self.filters: Filters = query.filters
        self.tree = query.is_tree
        self.layout = query.row_layout
        self.open = {str(one) for one in query.open}
        self.shown = dict(shown or {})
        self.newest = _place(newest)
        self.oldest = _place(oldest)

    @property
    def counted(self) -> tuple[Any, Filters]:
        """Viewers with the same one see the same counts."""
        whose = None if self.scope.sees_all else self.scope.user.pk
        return whose, replace(self.filters, statuses=frozenset())

    def offer(self, changes: Iterable[ExecutionChanged]) -> bool:
        for event in changes:
            if not self.scope.includes(event):
                continue
            held = self.shown.get(event.id)
            if self._enters(event) if held is None else event.revision > held:
                self._pending[event.id] = event
        if len(self._pending) > PENDING_LIMIT:
            # The browser is slower than the changes.
            self._pending.clear()
            self._overrun = True
        return bool(self._pending or self._overrun)

    def _enters(self, event: ExecutionChanged) -> bool:
        """Whether a row that is not there belongs there."""
        if not self.tree:
            enters = self.filters.matches(event) and self._is_on_page(event)
        elif event.parent_id is None:
            enters = self._is_on_page(event)
        else:
            enters = event.parent_id in self.open and event.parent_id in self.shown
        if enters and len(self.shown) < SHOWN_LIMIT:
            self.shown[event.id] = 0
        return enters

    def _is_on_page(self, event: ExecutionChanged) -> bool:
        place = (event.started_at, event.id)
        return (self.newest is None or place <= self.newest) and (
            self.oldest is None or place >= self.oldest
        )

    def frame(self, rows: RenderedRows) -> str | None:
        if self._overrun:
            self._overrun = False
            return message("catchup")
        if not self._pending:
            return None
        pending, self._pending = self._pending, {}
        gone = [] if self.tree else [e.id for e in pending.values() if not self.filters.matches(e)]
        parts = ",".join(rows.part(event, self.layout) for event in pending.values())
        head = message("rows", published=_newest_publication(pending.values()), gone=gone)
        return f'{head[:-1]},"rows":[{parts}]}}'


class ExecutionViewer:
    """Someone who looks at one execution: hears that it, or a child of it, has changed."""

    def __init__(self, scope: Scope, execution_id: UUID) -> None:
        self.scope = scope
        self.id = str(execution_id)
        self._changed: ExecutionChanged | None = None
        self._children: dict[str, ExecutionChanged] = {}

    def offer(self, changes: Iterable[ExecutionChanged]) -> bool:
        for event in changes:
            if event.id == self.id:
                self._changed = event
            elif event.parent_id == self.id and self.scope.includes(event):
                self._children[event.id] = event
        return bool(self._changed or self._children)

    def frame(self, rows: RenderedRows) -> str | None:
        changed, self._changed = self._changed, None
        children, self._children = self._children, {}
        heard = [*([changed] if changed else []), *children.values()]
        if not heard:
            return None
        return message(
            "changed",
            id=self.id,
            published=_newest_publication(heard),
            revision=changed and changed.revision,
            status=changed and changed.status,
            children=list(children),
        )


def _place(text: str) -> tuple[datetime, str] | None:
    """A key as events have it: asked for every event and viewer, so nothing is parsed then."""
    key = Key.parse(text)
    return (key.started_at, str(key.id)) if key else None


def message(kind: str, **content: Any) -> str:
    """A frame: its type, the server's clock in milliseconds, and its content."""
    return json.dumps({"type": kind, "now": int(time.time() * 1000), **content})


def _newest_publication(events: Iterable[ExecutionChanged]) -> int:
    return int(max(event.published_at for event in events) * 1000)
