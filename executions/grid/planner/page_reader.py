"""How the rows of a page are found, however many there are to find them among.

Most filters have an index in the order of the page; PostgreSQL picks it. Three things it would get
wrong are decided here:

- Several statuses, or flows, are a branch each, every one in the order of its own index, merged.
- What takes the search index has no order there. What is frequent is met soon when rows are looked
  at in the order of the page; what is rare is gathered by the index and then sorted; in between,
  the index is asked about the nearest stretch of time that holds enough.
- An order that no index has sorts what matches, or is told to be too slow.
- A plan that turns out slow is stopped, and another one tried; what no plan finds soon is told
  (`bounded.TooSlow`).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from django.db.models import Q, QuerySet

from executions import events
from executions.events import ExecutionChanged
from executions.grid.planner import statement_timeout
from executions.grid.planner.row_estimates import Expected, base
from executions.grid.planner.statement_timeout import ALONE, FIRST_TRY_SECONDS, IN_ORDER, TooSlow
from executions.grid.query.filters import Filters
from executions.grid.query.moments import moment_range
from executions.grid.table import keyset
from executions.grid.table.row_events import event_of
from executions.grid.table.sort_values import STARTED, UPDATED
from executions.grid.table.sorting import NEWEST_FIRST, RowKey, Sort
from executions.models import Execution

#: Branches that are merged; more are left to the planner.
BRANCHES = 12
#: What share of all rows is so much that looking through them in the order of the page is best.
SOON_MET = 0.01
#: Seconds in which that finds a page of what was updated lately, which has mostly started lately.
SOON_SECONDS = 0.1
#: Both times are the database's; nobody sets its clock back by more.
CLOCKS = timedelta(hours=1)
#: Seconds in which what is rare is gathered; the planner knows only that it is not frequent.
PROBE_SECONDS = 0.05
#: So few are gathered and sorted, wherever they are.
FEW = 2_000
#: The stretch of time that is asked first holds so many times what is wanted.
SPARE = 4


@dataclass(frozen=True)
class Reading:
    """Rows that match filters in one order: `rows` is what a user may see, of a tree its roots."""

    rows: QuerySet[Execution]
    filters: Filters
    sort: Sort
    expected: Expected
    now: datetime

    def below(self, key: RowKey | None, limit: int) -> list[ExecutionChanged]:
        """The first rows, or the first below a key, from top to bottom. Raises TooSlow."""
        return self._read(key, limit, upwards=False)

    def above(self, key: RowKey, limit: int) -> list[ExecutionChanged]:
        """The nearest rows above a key, from bottom to top. Raises TooSlow."""
        return self._read(key, limit, upwards=True)

    def _read(self, key: RowKey | None, limit: int, *, upwards: bool) -> list[ExecutionChanged]:
        beyond = (
            Q() if key is None else keyset.rows_above(key) if upwards else keyset.rows_below(key)
        )
        scan = _Scan(self, key, beyond, limit, upwards)
        if self.filters.search_keys:
            return scan.sought()
        if not self.sort.is_indexed:
            return scan.in_order()
        if scan.meets_recent_soon:
            beyond = scan.beyond & scan.started_before_updated
            with suppress(TooSlow):
                return replace(scan, beyond=beyond).in_order(SOON_SECONDS, IN_ORDER)
        try:
            return scan.in_order(FIRST_TRY_SECONDS)
        except TooSlow:
            return scan.gathered()


@dataclass(frozen=True)
class _Scan:
    """One reading, from a key on, in one direction."""

    reading: Reading
    key: RowKey | None
    beyond: Q
    limit: int
    upwards: bool

    def in_order(
        self, seconds: float = statement_timeout.STATEMENT_SECONDS, planned: Sequence[str] = ()
    ) -> list[ExecutionChanged]:
        """By an index in the order of the page."""
        conditions = self.reading.filters.conditions(self.reading.now)
        matching = self.reading.rows.filter(conditions.by_row()).filter(self.beyond)
        order = keyset.order_by(self.reading.sort, upwards=self.upwards)
        parts = [branch.order_by(*order) for branch in self._branches(matching)]
        return self._merged(parts, seconds, planned)

    def _merged(
        self, parts: list[QuerySet[Execution]], seconds: float, planned: Sequence[str] = ()
    ) -> list[ExecutionChanged]:
        """The first rows of several querysets, each of which is in order."""
        asked = [part.values(*events.COLUMNS)[: self.limit] for part in parts]
        answers = statement_timeout.ask(
            [statement_timeout.statement(one) for one in asked], seconds, planned
        )
        found = [_event(row) for rows in answers for row in rows]
        if len(parts) > 1:
            sort = self.reading.sort
            downwards = sort.descending is not self.upwards
            found.sort(key=lambda event: str(sort.key(event)), reverse=downwards)
        return found[: self.limit]

    def _branches(self, matching: QuerySet[Execution]) -> list[QuerySet[Execution]]:
        filters = self.reading.filters
        flows = [flow for flow in filters.values("flow") if not flow.endswith("*")]
        choices = [
            [Q(status=status) for status in sorted(filters.statuses)] or [Q()],
            # With a flow's index alone, its statuses need no branches.
            [Q(flow_name=flow) for flow in flows if len(flows) == len(filters.values("flow"))]
            or [Q()],
        ]
        found = [matching.filter(one, other) for one, other in product(*choices)]
        is_by_start = self.reading.sort.values == (STARTED,)
        return found if is_by_start and len(found) <= BRANCHES else [matching]

    @property
    def meets_recent_soon(self) -> bool:
        filters, sort = self.reading.filters, self.reading.sort
        return (
            bool(filters.values("updated"))
            # Of few it may take all rows to meet a page; they are soon gathered.
            and sum(self.reading.expected.by_status.values()) > FEW
            and sort == NEWEST_FIRST
            and not self.upwards
        )

    @property
    def started_before_updated(self) -> Q:
        """What follows for the start of what was updated before some time."""
        condition = Q()
        for value in self.reading.filters.values("updated"):
            _, high = moment_range(value)[0].between(self.reading.now)
            if high is not None:
                condition &= Q(started_at__lt=high + CLOCKS)
        return condition

    def gathered(
        self,
        since: Q | None = None,
        seconds: float = statement_timeout.STATEMENT_SECONDS,
        planned: Sequence[str] = (),
    ) -> list[ExecutionChanged]:
        """All that match, sorted; or those of a stretch of time."""
        reading = self.reading
        order = keyset.order_by(reading.sort, upwards=self.upwards, unindexed=True)
        branches = reading.filters.conditions(reading.now).branches(reading.expected.frequent)
        rows = reading.rows.filter(self.beyond, since or Q())
        parts = [rows.filter(one).order_by(*order) for one in branches]
        return self._merged(parts, seconds, planned)

    def sought(self) -> list[ExecutionChanged]:
        """By the search index, or without it where what is looked for is frequent."""
        expected = self.reading.expected
        if not self.reading.sort.is_indexed:
            return self.gathered()
        if expected.share >= SOON_MET and len(expected.frequent) == len(
            self.reading.filters.search_keys
        ):
            with suppress(TooSlow):
                return self.in_order(FIRST_TRY_SECONDS, IN_ORDER)
        if expected.is_unknown:
            with suppress(TooSlow):
                return self.gathered(seconds=PROBE_SECONDS, planned=ALONE)
        wide = int(SPARE * self.limit / max(expected.share, 1e-9))
        if expected.matching > FEW and wide < expected.among / 2:
            since = self._nearest(wide)
            found = self.gathered(since) if since is not None else []
            if len(found) == self.limit:
                return found
        return self.gathered()

    def _nearest(self, rows: int) -> Q | None:
        """The stretch of time that the next so many rows take; None when it has no end, or when
        the rows are not in the order of time."""
        sort = self.reading.sort
        if sort.values not in ((STARTED,), (UPDATED,)):
            return None
        column = sort.values[0].name
        order = keyset.order_by(sort, upwards=self.upwards)
        following = base(self.reading.filters).filter(self.beyond).order_by(*order)
        last = statement_timeout.fetch(following.values(column)[rows : rows + 1])
        if not last:
            return None
        back = sort.descending is not self.upwards
        return Q(**{f"{column}__{'gte' if back else 'lte'}": last[0][0]})


def _event(row: tuple[Any, ...]) -> ExecutionChanged:
    return event_of(dict(zip(events.COLUMNS, row, strict=True)))
