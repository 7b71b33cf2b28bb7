"""One page of the grid: its rows, their counts, and the addresses of the pages beside it."""

from dataclasses import replace
from functools import cached_property
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils import timezone

from executions import access
from executions.events import ExecutionChanged
from executions.grid.paging.page_query import PageQuery
from executions.grid.paging.tree import ChildrenSummary, Tree
from executions.grid.planner.counts import Count, count_by_status, exact_counts, unknown_counts
from executions.grid.planner.page_reader import PageReader
from executions.grid.planner.row_estimates import RowEstimates
from executions.grid.planner.statement_timeout import STATEMENT_SECONDS, TooSlow
from executions.grid.table.row import GridRow
from executions.grid.table.row_events import read_events
from executions.grid.table.sorting import RowKey

PAGE_SIZE = 50


class Page:
    """The page that the address of a grid asks for, with the executions that a user may see."""

    def __init__(self, user: Any, query: PageQuery, size: int = PAGE_SIZE) -> None:
        self.query = query
        self.size = size
        self.seen = access.seen(user)
        self.visible = access.visible(user)
        self.filters = query.filters.seen_by(user)
        self.now = timezone.now()
        #: None when the estimates took too long.
        self.estimates: RowEstimates | None = None
        self.has_newer = self.has_older = self.is_too_slow = False
        self.events: list[ExecutionChanged] = []
        try:
            self.estimates = RowEstimates.of(self.visible, self.filters, self.now)
            self._read(self.estimates)
        except TooSlow:
            self.is_too_slow = True

    def _read(self, estimates: RowEstimates) -> None:
        rows = self.visible.filter(parent=None) if self.query.is_tree else self.visible
        reader = PageReader(rows, self.filters, self.query.sort, estimates, self.now, self.seen)
        self.has_newer = self.query.older is not None
        found = self.events
        if key := self.query.newer:
            found = reader.rows_above(key, self.size + 1)
            self.has_newer = len(found) > self.size
            found = found[: self.size][::-1]
            self.has_older = True
        if not self.has_newer or self.query.older:
            # Also when the way up came to the top: the first page is a full one.
            found = reader.rows_below(self.query.older, self.size + 1)
            self.has_older = len(found) > self.size
            found = found[: self.size]
        self.events = found

    @cached_property
    def rows(self) -> list[GridRow | ChildrenSummary]:
        """The rows from top to bottom, with the children of those that are open."""
        return Tree(self.visible, self.query).rows(self.events)

    @property
    def shown_count(self) -> int:
        """How many of its rows match the filters."""
        return len(self._executions) - self.shown_children_count

    @property
    def shown_children_count(self) -> int:
        """How many of its rows are children that are listed with a matching parent."""
        if not self.query.lists_unfiltered_children:
            return 0
        return sum(row.level > 0 for row in self._executions)

    @property
    def _executions(self) -> list[GridRow]:
        return [row for row in self.rows if isinstance(row, GridRow)]

    @cached_property
    def counts(self) -> dict[str, Count]:
        """How many executions match with each status, and with any ("")."""
        is_all = not (self.filters.statuses or self.has_newer or self.has_older)
        if is_all and not self.query.is_tree and not self.is_too_slow:
            return exact_counts(event.status for event in self.events)
        if self.estimates is None:
            return unknown_counts()
        return count_by_status(self.visible, self.filters, self.estimates, self.now)

    # For a page that took too long ------------------------------------------------------------

    seconds = int(STATEMENT_SECONDS)

    @property
    def advice(self) -> str:
        """Tell the reader which filter to narrow."""
        slow = [term.field.label for term in self.filters.terms if not term.has_index]
        if not self.query.sort.is_indexed:
            slow.append(f"this order ({self.query.sort.description})")
        if not slow:
            return "Your filters are kept. Narrow them, for example with a filter on Started."
        named = " and ".join(dict.fromkeys(slow))
        return f"Your filters are kept. There is no index for {named}: add a filter on Started."

    @property
    def last_day_address(self) -> str:
        """The address of the matches that started in the last 24 hours."""
        return self.query.filtered_address(self.query.filters.with_values("started", [">-1d"]))

    @property
    def first_start(self) -> str:
        """When its first row started, as an input takes it; "" on the first page."""
        if not (self.events and self.has_newer):
            return ""
        return f"{timezone.localtime(self.events[0].started_at):%Y-%m-%dT%H:%M:%S}"

    # For live updates: where the page begins and ends ---------------------------------------

    @property
    def top_key(self) -> str:
        """Live rows above this key belong to another page; "" on the first page."""
        return str(self.query.sort.key(self.events[0])) if self.events and self.has_newer else ""

    @property
    def bottom_key(self) -> str:
        """Live rows below this key belong to the next page; "" on the last page."""
        return str(self.query.sort.key(self.events[-1])) if self.events and self.has_older else ""

    @property
    def older_address(self) -> str:
        if not (self.has_older and self.events):
            return ""
        return self._page(older=self.query.sort.key(self.events[-1])).address()

    @property
    def newer_address(self) -> str:
        if not self.has_newer:
            return ""
        if not self.events:
            return self._page().address()
        return self._page(newer=self.query.sort.key(self.events[0])).address()

    def _page(self, older: RowKey | None = None, newer: RowKey | None = None) -> PageQuery:
        return self.query.first_page(older=older, newer=newer)


def children_rows(
    user: Any, query: PageQuery, execution_id: UUID
) -> list[GridRow | ChildrenSummary]:
    """Return the rows of the children of an execution that is opened on the page of this address.

    Raise Http404 when the user may not see it.
    """
    opened = replace(query, open=query.open | {execution_id})
    parent = next(iter(read_events(access.visible(user).filter(pk=execution_id))), None)
    if parent is None:
        raise Http404(access.NOT_FOUND)
    return Tree(access.visible(user), opened).rows_of_children(parent)
