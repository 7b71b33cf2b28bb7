"""What one connected browser watches, and the frames that it is sent.

A viewer decides by the event alone: no query, and no HTML of its own.
"""

import json
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, Protocol
from uuid import UUID

from executions.events import ExecutionChanged
from executions.grid.paging.page_query import PageQuery
from executions.grid.query.filters import Filters
from executions.live.changes import Changes, Scope, same
from executions.live.rendering import RenderedRows, form_of

#: More changed rows than that at a time, and the browser fetches its page instead.
PENDING_LIMIT = 500
#: Rows that one browser can name as shown; a page with everything open has about that many.
SHOWN_LIMIT = 5_000


class Viewer(Protocol):
    """A connected browser as the hub sees it."""

    scope: Scope

    #: Names of the variables that it takes to say what it is to see.
    asks: frozenset[str]

    def offer(self, changes: Changes) -> bool:
        """Keep the changes that it is to see; whether there are any to be sent."""

    @property
    def lacking(self) -> tuple[Iterable[ExecutionChanged], Iterable[str]]:
        """Executions whose variables have to be read before their rows can be sent, and paths."""

    def frame(self, rows: RenderedRows) -> str | None:
        """What it is to be sent now, once; None for nothing."""


class GridViewer:
    """Someone who looks at a page of the grid."""

    def __init__(self, scope: Scope, query: PageQuery) -> None:
        self.scope = scope
        self._pending: dict[str, ExecutionChanged] = {}
        #: Why those no longer match the filter; "" for those that do.
        self._why: dict[str, str] = {}
        self._published = 0.0
        self._overrun = False
        self.shown: dict[str, int] = {}
        #: Frames are numbered; in which one each row was sent last.
        self._number = 0
        self._sent: dict[str, int] = {}
        self.page = 0
        self.show(query)

    def show(
        self,
        query: PageQuery,
        shown: Mapping[str, int] | None = None,
        newest: str = "",
        oldest: str = "",
        windows: Mapping[str, str] | None = None,
        heard: int = sys.maxsize,
        page: int = 0,
    ) -> None:
        """What the page shows now: its address, the revisions of its rows by their ids (0: it needs
        the whole row), and where it begins and ends (empty: at the top, at the end of the list).

        `windows`: of open rows with more children than are listed, where the last of these stands.
        `heard` is the number of the last frame that it had read when it said so. What later ones
        say of a row is under way to it, and counts as held; unless the browser has put another page
        in the place of that one (`page` counts them), which reads no frame of the page before.
        """
        if page != self.page:
            self._sent.clear()
            # What was kept for the page before is offered again, by what this one shows.
            self._pending.clear()
            self._why.clear()
        self.page = page
        self.filters: Filters = same(query.filters.seen_by(self.scope.user))
        self.asks = self.filters.variables
        self.sort = query.sort
        self.tree = query.is_tree
        self.layout = query.row_layout
        self.form = form_of(self.layout, self.sort)
        self.open = {str(one) for one in query.open}
        self._sent = {one: number for one, number in self._sent.items() if number > heard}
        self.shown = {
            one: self.shown.get(one, 0) if revision and one in self._sent else revision
            for one, revision in (shown or {}).items()
        }
        self.newest = newest if self.sort.parse_key(newest) else ""
        self.oldest = oldest if self.sort.parse_key(oldest) else ""
        self.windows = {
            one: last for one, last in (windows or {}).items() if self.sort.parse_key(last)
        }

    @property
    def counted(self) -> tuple[Any, Filters]:
        """Viewers with the same one see the same counts."""
        return self.scope.key, replace(self.filters, statuses=frozenset())

    def offer(self, changes: Changes) -> bool:
        seen = changes.seen(self.scope)
        for one in seen.keys() & self.shown.keys():
            if seen[one].revision > self.shown[one]:
                self._keep(seen[one], changes)
        for event in self._candidates(changes):
            if event.id in self.shown:
                continue
            enters = self._is_on_page(event, changes.key(event, self.sort))
            if enters and len(self.shown) < SHOWN_LIMIT:
                self.shown[event.id] = 0
                self._keep(event, changes)
        if len(self._pending) > PENDING_LIMIT:
            # The browser is slower than the changes.
            self._pending.clear()
            self._why.clear()
            self._overrun = True
        return bool(self._pending or self._overrun)

    def _keep(self, event: ExecutionChanged, changes: Changes) -> None:
        if event.id in self._pending and self._pending[event.id].revision > event.revision:
            return
        self._pending[event.id] = event
        # In a tree the filter is for what children hang on.
        is_child = self.tree and event.parent_id
        self._why[event.id] = "" if is_child else changes.mismatch(event, self.filters)
        if not changes.late:
            self._published = max(self._published, event.published_at)

    def _candidates(self, changes: Changes) -> Iterable[ExecutionChanged]:
        """Those that the page would show, were they within its first and last row."""
        if not self.tree:
            return changes.matching(self.scope, self.filters).values()
        roots: Iterable[ExecutionChanged] = filter(self.scope.includes, changes.roots)
        if self.filters.are_active:
            matching = changes.matching(self.scope, self.filters)
            roots = (event for event in matching.values() if event.parent_id is None)
        opened = changes.children.keys() & self.open & self.shown.keys()
        below = (event for parent in opened for event in changes.children[parent])
        return chain(roots, filter(self.scope.includes, below))

    def _is_on_page(self, event: ExecutionChanged, key: str) -> bool:
        if self.tree and event.parent_id:
            # It has its place among its siblings, wherever its parent stands.
            last = self.windows.get(event.parent_id, "")
            return not (last and self.sort.is_above(last, key))
        return not (self.newest and self.sort.is_above(key, self.newest)) and not (
            self.oldest and self.sort.is_above(self.oldest, key)
        )

    @property
    def lacking(self) -> tuple[Iterable[ExecutionChanged], Iterable[str]]:
        return (self._pending.values() if self.layout.variables else ()), self.layout.variables

    def frame(self, rows: RenderedRows) -> str | None:
        if self._overrun:
            self._overrun = False
            return message("catchup")
        pending, self._pending = self._pending, {}
        if self.layout.variables:
            self._pending = {one: e for one, e in pending.items() if not rows.holds(e)}
            pending = {one: e for one, e in pending.items() if one not in self._pending}
        if not pending:
            return None
        gone = {one: why for one in pending if (why := self._why.pop(one))}
        parts = [rows.part(e, self.form, self.shown.get(e.id, 0)) for e in pending.values()]
        self._number += 1
        for event in pending.values():
            # What was left out of `shown` for want of space is sent whole again.
            if event.id in self.shown:
                self.shown[event.id] = event.revision
                self._sent[event.id] = self._number
        published, self._published = self._published, 0.0
        published_at = int(published * 1000)
        told = {"number": self._number, "page": self.page, "published": published_at}
        head = message("rows", **told, gone=gone)
        return f'{head[:-1]},"rows":[{",".join(parts)}]}}'


class ExecutionViewer:
    """Someone who looks at one execution: hears that it, or a child of it, has changed."""

    asks: frozenset[str] = frozenset()
    lacking: tuple[Iterable[ExecutionChanged], Iterable[str]] = ((), ())

    def __init__(self, scope: Scope, execution_id: UUID) -> None:
        self.scope = scope
        self.id = str(execution_id)
        self._changed: ExecutionChanged | None = None
        self._children: dict[str, ExecutionChanged] = {}

    def offer(self, changes: Changes) -> bool:
        self._changed = changes.events.get(self.id, self._changed)
        for event in changes.children.get(self.id, ()):
            if self.scope.includes(event):
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
            published=int(max(event.published_at for event in heard) * 1000),
            revision=changed and changed.revision,
            status=changed and changed.status,
            children=list(children),
        )


class NoViewer:
    """Someone on a page that shows no execution."""

    asks: frozenset[str] = frozenset()

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def offer(self, changes: Changes) -> bool:
        return False

    @property
    def lacking(self) -> tuple[Iterable[ExecutionChanged], Iterable[str]]:
        return (), ()

    def frame(self, rows: RenderedRows) -> str | None:
        return None


def message(kind: str, **content: Any) -> str:
    """A frame: its type, the server's clock in milliseconds, and its content."""
    return json.dumps({"type": kind, "now": int(time.time() * 1000), **content})
