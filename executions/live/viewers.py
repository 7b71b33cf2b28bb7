"""What a connected browser looks at, and the frames that it is sent for that.

A viewer decides by the event alone: it makes no query and no HTML.
"""

import sys
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any
from uuid import UUID

from executions.events import ExecutionChanged, Subject
from executions.grid.paging.page_query import PageQuery
from executions.grid.query.filters import Filters
from executions.live.changes import CommittedChanges, Visibility, interned
from executions.live.frames import encode_frame
from executions.live.rendering import RenderedRows, row_format
from executions.logs.query import LogQuery
from executions.models import FailureGroup
from executions.store.read.log_lines import NewLine

#: Changed rows that wait for a browser; beyond, it fetches its page instead.
PENDING_LIMIT = 500
#: Rows that one browser can name as shown; a page with everything open has about that many.
SHOWN_LIMIT = 5_000


#: Seconds between two frames for the list of flows, at least.
FLOWS_EVERY = 1.0


class Viewer:
    """What a browser looks at, as the hub sees it. This one looks at no execution."""

    #: Names of the variables that its filter needs.
    filter_variables: frozenset[str] = frozenset()
    #: Whether its filter asks where flows are arranged.
    depends_on_flows: bool = False
    #: Paths of the variables that its columns show.
    column_variables: Collection[str] = ()

    def __init__(self, visibility: Visibility) -> None:
        self.visibility = visibility

    @property
    def pending(self) -> Iterable[ExecutionChanged]:
        """The changes that it has kept for the next frame."""
        return ()

    def shows_failures(self, ids: Collection[str]) -> bool:
        """Return whether it shows one of these failure groups."""
        return False

    def shows_subjects(self, subjects: Collection[Subject]) -> bool:
        """Return whether it shows one of these subjects."""
        return False

    def offer(self, changes: CommittedChanges) -> bool:
        """Keep the changes that it shows, and return whether there is anything to send."""
        return False

    def frame(self, rows: RenderedRows) -> str | None:
        """Return what to send now, once; None for nothing."""
        return None


@dataclass(frozen=True, kw_only=True)
class ShownPage:
    """What a browser says that its page of the grid shows: its address, the revisions of its rows
    by their ids (0: it needs the whole row), and where it begins and ends (empty: at the top, at
    the end of the list).

    `windows` says where the last child stands that is listed, of open rows with more children than
    that. `last_frame` is the number of the last frame that the page had read when it said so.
    `number` counts the pages that the browser has shown on this connection.
    """

    query: PageQuery
    revisions: Mapping[str, int] = field(default_factory=dict)
    newest: str = ""
    oldest: str = ""
    windows: Mapping[str, str] = field(default_factory=dict)
    last_frame: int = sys.maxsize
    number: int = 0


class GridViewer(Viewer):
    """A page of the grid."""

    def __init__(self, visibility: Visibility, query: PageQuery) -> None:
        super().__init__(visibility)
        self._pending: dict[str, ExecutionChanged] = {}
        #: Why those no longer match the filter; "" for those that do.
        self._mismatches: dict[str, str] = {}
        self._published_at = 0.0
        self._is_overrun = False
        self.revisions: dict[str, int] = {}
        self._frame_number = 0
        #: In which frame each row was sent last.
        self._sent_in: dict[str, int] = {}
        self.page = 0
        self.show(ShownPage(query=query))

    def show(self, shown: ShownPage) -> None:
        """Show another page, or the same one with other rows.

        What frames after `shown.last_frame` say of a row is on its way to the browser, and counts
        as held; unless the browser has put another page in the place of that one, which ignores
        the frames of the page before.
        """
        if shown.number != self.page:
            self._sent_in.clear()
            # What was kept for the page before is offered again, by what this one shows.
            self._pending.clear()
            self._mismatches.clear()
        query = shown.query
        self.page = shown.number
        self.filters: Filters = interned(query.filters.seen_by(self.visibility.user))
        self.filter_variables = self.filters.variables
        self.depends_on_flows = self.filters.depend_on_flows
        self.sort = query.sort
        self.is_tree = query.is_tree
        self.column_variables = query.row_layout.variables
        self.format = row_format(query.row_layout, self.sort)
        self.open = {str(one) for one in query.open}
        self._sent_in = {
            one: number for one, number in self._sent_in.items() if number > shown.last_frame
        }
        self.revisions = {
            one: self.revisions.get(one, 0) if revision and one in self._sent_in else revision
            for one, revision in shown.revisions.items()
        }
        self.newest = shown.newest if self.sort.parse_key(shown.newest) else ""
        self.oldest = shown.oldest if self.sort.parse_key(shown.oldest) else ""
        self.windows = {
            one: last for one, last in shown.windows.items() if self.sort.parse_key(last)
        }

    @property
    def count_key(self) -> tuple[Any, Filters]:
        """What the counts depend on: viewers with the same key show the same counts."""
        return self.visibility.key, replace(self.filters, statuses=frozenset())

    def offer(self, changes: CommittedChanges) -> bool:
        visible = changes.visible(self.visibility)
        for one in visible.keys() & self.revisions.keys():
            if visible[one].revision > self.revisions[one]:
                self._keep(visible[one], changes)
        for event in self._candidates(changes):
            if event.id in self.revisions:
                continue
            enters = self._is_on_page(event, changes.sort_key(event, self.sort))
            if enters and len(self.revisions) < SHOWN_LIMIT:
                self.revisions[event.id] = 0
                self._keep(event, changes)
        if len(self._pending) > PENDING_LIMIT:
            # The browser is slower than the changes.
            self._pending.clear()
            self._mismatches.clear()
            self._is_overrun = True
        return bool(self._pending or self._is_overrun)

    def _keep(self, event: ExecutionChanged, changes: CommittedChanges) -> None:
        if event.id in self._pending and self._pending[event.id].revision > event.revision:
            return
        self._pending[event.id] = event
        # In a tree the filter is for the roots.
        is_child = self.is_tree and event.parent_id
        self._mismatches[event.id] = "" if is_child else changes.mismatch(event, self.filters)
        if not changes.replayed:
            self._published_at = max(self._published_at, event.published_at)

    def _candidates(self, changes: CommittedChanges) -> Iterable[ExecutionChanged]:
        """The events that the page would show, were they within its first and last row."""
        if not self.is_tree:
            return changes.matching(self.visibility, self.filters).values()
        includes = self.visibility.includes
        roots: Iterable[ExecutionChanged] = filter(includes, changes.roots)
        if self.filters.are_active:
            matching = changes.matching(self.visibility, self.filters)
            roots = (event for event in matching.values() if event.parent_id is None)
        opened = changes.children.keys() & self.open & self.revisions.keys()
        below = (event for parent in opened for event in changes.children[parent])
        return chain(roots, filter(includes, below))

    def _is_on_page(self, event: ExecutionChanged, key: str) -> bool:
        if self.is_tree and event.parent_id:
            # It has its place among its siblings, wherever its parent stands.
            last = self.windows.get(event.parent_id, "")
            return not (last and self.sort.is_above(last, key))
        return not (self.newest and self.sort.is_above(key, self.newest)) and not (
            self.oldest and self.sort.is_above(self.oldest, key)
        )

    @property
    def pending(self) -> Iterable[ExecutionChanged]:
        return self._pending.values()

    def frame(self, rows: RenderedRows) -> str | None:
        if self._is_overrun:
            self._is_overrun = False
            return encode_frame("catchup")
        pending, self._pending = self._pending, {}
        if self.column_variables:
            self._pending = {one: e for one, e in pending.items() if not rows.has_variables(e)}
            pending = {one: e for one, e in pending.items() if one not in self._pending}
        if not pending:
            return None
        mismatches = {one: why for one in pending if (why := self._mismatches.pop(one))}
        revisions = self.revisions
        parts = [rows.part(e, self.format, revisions.get(e.id, 0)) for e in pending.values()]
        self._frame_number += 1
        for event in pending.values():
            # A row for which there is no room in `revisions` is sent whole again.
            if event.id in revisions:
                revisions[event.id] = event.revision
                self._sent_in[event.id] = self._frame_number
        published_at, self._published_at = int(self._published_at * 1000), 0.0
        head = encode_frame(
            "rows",
            number=self._frame_number,
            page=self.page,
            published=published_at,
            mismatches=mismatches,
        )
        return f'{head[:-1]},"rows":[{",".join(parts)}]}}'


class FailureViewer(GridViewer):
    """The page of a failure group: a grid of its executions, and parts that the page fetches when
    the group has changed."""

    def __init__(self, visibility: Visibility, group: FailureGroup, query: PageQuery) -> None:
        self._id = str(group.pk)
        self._implied = group.filters
        super().__init__(visibility, query)

    def show(self, shown: ShownPage) -> None:
        super().show(replace(shown, query=shown.query.within(self._implied)))

    def shows_failures(self, ids: Collection[str]) -> bool:
        return self._id in ids


class FailuresViewer(Viewer):
    """The list of failure groups, which the page fetches when one of them has changed."""

    def shows_failures(self, ids: Collection[str]) -> bool:
        return bool(ids)


class SubjectViewer(Viewer):
    """A page of subjects that begin with the same words, which it fetches when one has changed."""

    def __init__(self, visibility: Visibility, *subject: str) -> None:
        super().__init__(visibility)
        self._subject = subject

    def shows_subjects(self, subjects: Collection[Subject]) -> bool:
        return any(subject[: len(self._subject)] == self._subject for subject in subjects)


class ExecutionViewer(Viewer):
    """The page of one execution, which fetches what it shows when that, or a child, has changed."""

    def __init__(self, visibility: Visibility, execution_id: UUID) -> None:
        super().__init__(visibility)
        self.id = str(execution_id)
        self._changed: ExecutionChanged | None = None
        self._children: dict[str, ExecutionChanged] = {}

    def offer(self, changes: CommittedChanges) -> bool:
        self._changed = changes.events.get(self.id, self._changed)
        for event in changes.children.get(self.id, ()):
            if self.visibility.includes(event):
                self._children[event.id] = event
        return bool(self._changed or self._children)

    def frame(self, rows: RenderedRows) -> str | None:
        changed, self._changed = self._changed, None
        children, self._children = self._children, {}
        events = [*([changed] if changed else []), *children.values()]
        if not events:
            return None
        return encode_frame(
            "changed",
            id=self.id,
            published=int(max(event.published_at for event in events) * 1000),
            revision=changed and changed.revision,
            status=changed and changed.status,
            children=list(children),
        )


class FlowsViewer(Viewer):
    """The list of flows, which fetches what it shows when an execution that its user may see has
    changed."""

    def __init__(self, visibility: Visibility) -> None:
        super().__init__(visibility)
        self._published_at = 0.0
        self._has_changed = False
        self._sent_at = float("-inf")

    def offer(self, changes: CommittedChanges) -> bool:
        visible = changes.visible(self.visibility)
        if visible:
            self._has_changed = True
            self._published_at = max(event.published_at for event in visible.values())
        return self._is_due

    @property
    def _is_due(self) -> bool:
        """Whether there is a frame to send; the last change is told with the next heartbeat."""
        return self._has_changed and time.monotonic() - self._sent_at >= FLOWS_EVERY

    def frame(self, rows: RenderedRows) -> str | None:
        if not self._is_due:
            return None
        self._has_changed, self._sent_at = False, time.monotonic()
        return encode_frame("changed", published=int(self._published_at * 1000))


class FlowViewer(Viewer):
    """The page of a flow, which fetches what it shows when an execution of the flow has changed."""

    def __init__(self, visibility: Visibility, flow_name: str) -> None:
        super().__init__(visibility)
        self.flow_name = flow_name
        self._published_at = 0.0
        self._has_changed = False

    def offer(self, changes: CommittedChanges) -> bool:
        for event in changes.visible(self.visibility).values():
            if event.flow_name == self.flow_name:
                self._has_changed = True
                self._published_at = max(self._published_at, event.published_at)
        return self._has_changed

    def frame(self, rows: RenderedRows) -> str | None:
        if not self._has_changed:
            return None
        published_at, self._published_at = int(self._published_at * 1000), 0.0
        self._has_changed = False
        return encode_frame("changed", flow=self.flow_name, published=published_at)


class LogViewer(Viewer):
    """The page of the logs, which fetches new lines when there may be some for it."""

    def __init__(self, visibility: Visibility, query: LogQuery) -> None:
        super().__init__(visibility)
        self._query = query

    def concerns(self, line: NewLine) -> bool:
        """Return whether a new line may be one that it shows."""
        is_seen = self.visibility.key.includes(line.initiator_id, line.flow_name)
        return is_seen and self._query.concerns(line)
