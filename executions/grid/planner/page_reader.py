"""The rows of a page, however many there are to find them among.

Most filters have an index in the order of the page, and PostgreSQL picks it. What it would get
wrong is decided here (docs/grid-planner.md):

- Several statuses, or flows, are a branch each, every one in the order of its own index, merged;
  so are the flows that somebody sees who does not see all.
- The search index has no order. What is frequent is soon met when rows are looked at in the order
  of the page; what is rare is collected with the search index and sorted; in between, the search
  index is asked about the nearest stretch of time that holds enough.
- An order without an index sorts all that matches.
- A plan that turns out slow is stopped, and another one tried. What no plan finds soon raises
  `statement_timeout.TooSlow`.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from django.db.models import Q, QuerySet

from executions import events
from executions.access import EVERY_EXECUTION, ExecutionSet
from executions.events import ExecutionChanged
from executions.grid.planner import statement_timeout
from executions.grid.planner.row_estimates import RowEstimates, time_ordered
from executions.grid.planner.statement_timeout import (
    FIRST_TRY_SECONDS,
    FOLLOW_INDEX,
    NO_PARALLEL,
    TooSlow,
)
from executions.grid.query.filters import Filters
from executions.grid.query.moments import moment_range
from executions.grid.table import keyset
from executions.grid.table.row_events import event_of
from executions.grid.table.sort_values import STARTED, UPDATED
from executions.grid.table.sorting import NEWEST_FIRST, RowKey, Sort
from executions.models import Execution

#: Branches that are merged; more are left to PostgreSQL.
BRANCHES = 12
#: Where this share of all rows matches, a page is soon full when rows are read in its order.
WALK_SHARE = 0.01
#: Timeout for walking the newest rows when filtering by a recent update; most of these also started
#: recently. In seconds.
RECENT_SECONDS = 0.1
#: A clock of the database is not set back by more: nothing is updated longer before it started.
CLOCK_DRIFT = timedelta(hours=1)
#: Seconds for collecting what is rare when all that is known is that it is not frequent.
PROBE_SECONDS = 0.05
#: So few rows are collected and sorted, wherever they are.
SORT_LIMIT = 2_000
#: The stretch of time that is asked first holds so many times the rows that are needed.
WINDOW_FACTOR = 4


@dataclass(frozen=True)
class PageReader:
    """Reads rows that match filters in one order.

    `rows` are those that a user may see, which are `seen`; of a tree, its roots.
    """

    rows: QuerySet[Execution]
    filters: Filters
    sort: Sort
    estimates: RowEstimates
    now: datetime
    seen: ExecutionSet = EVERY_EXECUTION

    def rows_below(self, key: RowKey | None, limit: int) -> list[ExecutionChanged]:
        """Return the first rows, or the first below a key, from top to bottom. Raises TooSlow."""
        beyond = Q() if key is None else keyset.rows_below(key)
        return _Reading(self, beyond, limit, upwards=False).rows()

    def rows_above(self, key: RowKey, limit: int) -> list[ExecutionChanged]:
        """Return the nearest rows above a key, from bottom to top. Raises TooSlow."""
        return _Reading(self, keyset.rows_above(key), limit, upwards=True).rows()


@dataclass(frozen=True)
class _Reading:
    """One reading in one direction, `beyond` a key; it chooses the plan."""

    reader: PageReader
    beyond: Q
    limit: int
    upwards: bool

    def rows(self) -> list[ExecutionChanged]:
        """Return the first rows. Raises TooSlow."""
        if self.reader.filters.search_keys:
            return self._search()
        if not self.reader.sort.is_indexed:
            return self.walk()
        if self._was_updated_lately:
            beyond = self.beyond & self._started_before_update
            with suppress(TooSlow):
                return replace(self, beyond=beyond).walk(RECENT_SECONDS, FOLLOW_INDEX)
        try:
            return self.walk(FIRST_TRY_SECONDS)
        except TooSlow:
            return self.collect()

    def _search(self) -> list[ExecutionChanged]:
        """Return the first rows by the search index, or without it where matches are frequent."""
        filters, estimates = self.reader.filters, self.reader.estimates
        if not self.reader.sort.is_indexed:
            return self.collect()
        if estimates.share >= WALK_SHARE and len(estimates.frequent) == len(filters.search_keys):
            with suppress(TooSlow):
                return self.walk(FIRST_TRY_SECONDS, FOLLOW_INDEX)
        if estimates.is_unknown:
            with suppress(TooSlow):
                return self.collect(seconds=PROBE_SECONDS, settings=NO_PARALLEL)
        width = int(WINDOW_FACTOR * self.limit / max(estimates.share, 1e-9))
        if estimates.matching > SORT_LIMIT and width < estimates.total / 2:
            window = self._window(width)
            found = self.collect(window) if window is not None else []
            if len(found) == self.limit:
                return found
        return self.collect()

    # Plans

    def walk(
        self, seconds: float = statement_timeout.STATEMENT_SECONDS, settings: Sequence[str] = ()
    ) -> list[ExecutionChanged]:
        """Read the rows in the order of the page, by an index where there is one."""
        conditions = self.reader.filters.conditions(self.reader.now)
        matching = self.reader.rows.filter(conditions.by_row()).filter(self.beyond)
        order = keyset.order_by(self.reader.sort, upwards=self.upwards)
        branches = [branch.order_by(*order) for branch in self._branches(matching)]
        return self._merged(branches, seconds, settings)

    def collect(
        self,
        window: Q | None = None,
        seconds: float = statement_timeout.STATEMENT_SECONDS,
        settings: Sequence[str] = (),
    ) -> list[ExecutionChanged]:
        """Collect all rows that match, or those of a stretch of time, and sort them."""
        reader = self.reader
        order = keyset.order_by(reader.sort, upwards=self.upwards, unindexed=True)
        conditions = reader.filters.conditions(reader.now)
        rows = reader.rows.filter(self.beyond, window or Q())
        branches = [
            rows.filter(one).order_by(*order)
            for one in conditions.branches(reader.estimates.frequent)
        ]
        return self._merged(branches, seconds, settings)

    def _merged(
        self, branches: list[QuerySet[Execution]], seconds: float, settings: Sequence[str]
    ) -> list[ExecutionChanged]:
        """Return the first rows of several querysets, each of which is in order."""
        asked = [branch.values(*events.COLUMNS)[: self.limit] for branch in branches]
        answers = statement_timeout.run(
            [statement_timeout.statement(one) for one in asked], seconds, settings
        )
        found = [_event(row) for rows in answers for row in rows]
        if len(branches) > 1:
            found = list({event.id: event for event in found}.values())
            sort = self.reader.sort
            is_downwards = sort.descending is not self.upwards
            found.sort(key=lambda event: str(sort.key(event)), reverse=is_downwards)
        return found[: self.limit]

    def _branches(self, matching: QuerySet[Execution]) -> list[QuerySet[Execution]]:
        """Return a queryset a status and flow: each has an index in the order of the start. Without
        a filter by flow, these are the flows that the user sees, and what they have started."""
        filters = self.reader.filters
        flows = [flow for flow in filters.values("flow") if not flow.endswith("*")]
        seen = [] if filters.values("flow") else self.reader.seen.parts(BRANCHES)
        choices = [
            [Q(status=status) for status in sorted(filters.statuses)] or [Q()],
            # With a flow's index alone, its statuses need no branches.
            [Q(flow_name=flow) for flow in flows if len(flows) == len(filters.values("flow"))]
            or [part.condition() for part in seen]
            or [Q()],
        ]
        found = [matching.filter(one, other) for one, other in product(*choices)]
        is_by_start = self.reader.sort.values == (STARTED,)
        return found if is_by_start and len(found) <= BRANCHES else [matching]

    # What was updated lately

    @property
    def _was_updated_lately(self) -> bool:
        """Whether what was updated lately is looked for, newest first: it is soon met there."""
        filters, sort = self.reader.filters, self.reader.sort
        return (
            bool(filters.values("updated"))
            # A page of few may be met at the end only; they are soon collected.
            and sum(self.reader.estimates.by_status.values()) > SORT_LIMIT
            and sort == NEWEST_FIRST
            and not self.upwards
        )

    @property
    def _started_before_update(self) -> Q:
        """What follows for the start of what was updated before some time."""
        condition = Q()
        for value in self.reader.filters.values("updated"):
            _, high = moment_range(value)[0].between(self.reader.now)
            if high is not None:
                condition &= Q(started_at__lt=high + CLOCK_DRIFT)
        return condition

    # Stretches of time

    def _window(self, rows: int) -> Q | None:
        """Return the stretch of time that the next so many rows take.

        None when it has no end, or when the rows are not in the order of time.
        """
        sort = self.reader.sort
        if sort.values not in ((STARTED,), (UPDATED,)):
            return None
        column = sort.values[0].name
        order = keyset.order_by(sort, upwards=self.upwards)
        following = time_ordered(self.reader.filters).filter(self.beyond).order_by(*order)
        last = statement_timeout.fetch(following.values(column)[rows : rows + 1])
        if not last:
            return None
        is_backwards = sort.descending is not self.upwards
        return Q(**{f"{column}__{'gte' if is_backwards else 'lte'}": last[0][0]})


def _event(row: tuple[Any, ...]) -> ExecutionChanged:
    return event_of(dict(zip(events.COLUMNS, row, strict=True)))
