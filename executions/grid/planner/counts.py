"""How many executions there are in each status: exact where that is cheap, else an estimate."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count as CountRows
from django.db.models import QuerySet
from django.utils import timezone

from executions.grid.planner import statement_timeout
from executions.grid.planner.row_estimates import RowEstimates
from executions.grid.planner.statement_timeout import TooSlow
from executions.grid.query.filters import Filters
from executions.models import Execution
from executions.states import LIVE, Status

#: No count goes on beyond that.
CAP = 10_000
#: Where PostgreSQL expects more rows they are not counted: to find them costs too much.
COUNT_LIMIT = 5_000
#: The same for what the search index finds.
SEARCH_COUNT_LIMIT = 2_000
#: In a table that is no larger, all that matches is counted.
SMALL_TABLE = 10_000
#: Rows of the table that are looked at for an estimate.
SAMPLE = 3_000
#: Seconds that counting may take; after that the estimates have to do.
SECONDS = 0.25


@dataclass(frozen=True)
class Count:
    """A number: exact up to the cap, or an estimate."""

    number: int
    is_estimate: bool = False

    def __str__(self) -> str:
        if self.number < 0:
            return "?"
        if not self.is_estimate:
            return f"{CAP:,}+" if self.number > CAP else f"{self.number:,}"
        for size, sign in ((10**6, "M"), (10**3, "k")):
            if self.number >= size * 0.9995:  # what would be written as 1000 of the smaller
                share = self.number / size
                return f"~{share:.1f}{sign}" if share < 10 else f"~{share:.0f}{sign}"
        return f"~{self.number}"

    @property
    def description(self) -> str:
        """The number in full, for a title."""
        if self.number < 0:
            return "Counting took too long"
        if self.is_estimate:
            return f"About {self.number:,}, as the database estimates"
        return f"More than {CAP:,}" if self.number > CAP else f"{self.number:,}"

    def __add__(self, other: "Count") -> "Count":
        return Count(self.number + other.number, self.is_estimate or other.is_estimate)


ZERO = Count(0)
#: What took too long to count.
UNKNOWN = Count(-1, is_estimate=True)


def count_by_status(
    visible: QuerySet[Execution],
    filters: Filters,
    estimates: RowEstimates | None = None,
    now: datetime | None = None,
) -> dict[str, Count]:
    """Return how many each status would show with the other filters as they are; "" is all.

    `filters` are as their reader means them (`Filters.seen_by`); `estimates` are asked for when the
    caller has none. What is expected to be too much is not counted; what takes too long is UNKNOWN.
    """
    now = now or timezone.now()
    others = replace(filters, statuses=frozenset())
    try:
        estimates = estimates or RowEstimates.of(visible, filters, now)
        if not others.are_active:
            return _with_all(_unfiltered(visible))
        if not others.search_keys:
            return _with_all(_by_other_indexes(visible, others, estimates, now))
        return _with_all(_by_search_index(visible, others, estimates, now))
    except TooSlow:
        return unknown_counts()


def unknown_counts() -> dict[str, Count]:
    """Return the counts where counting takes too long."""
    return _with_all(dict.fromkeys(Status, UNKNOWN))


def total(counts: Mapping[str, Count], statuses: Iterable[Status]) -> Count:
    """Return how many there are on all pages, from what `count_by_status` returns."""
    chosen = [counts[status.value] for status in statuses] or [counts[""]]
    return sum(chosen[1:], chosen[0])


def exact_counts(statuses: Iterable[str]) -> dict[str, Count]:
    """Return the counts of executions whose statuses are all known."""
    found = Counter(statuses)
    return _with_all({status: Count(found[status.value]) for status in Status})


def _with_all(counts: dict[Status, Count]) -> dict[str, Count]:
    if UNKNOWN in counts.values():
        return {"": UNKNOWN, **{status.value: UNKNOWN for status in Status}}
    return {"": sum(counts.values(), ZERO), **{status.value: counts[status] for status in Status}}


def _unfiltered(visible: QuerySet[Execution]) -> dict[Status, Count]:
    """Count each status up to the cap, by its own index, and ask for the estimates in the same
    message."""
    branches = [visible.filter(status=status) for status in Status]
    capped, *estimates = statement_timeout.run(
        [_capped(branches), *(statement_timeout.explain(rows) for rows in branches)], SECONDS * 4
    )
    exact = capped[0] if capped else (0,) * len(Status)
    return {
        status: _capped_count(number, statement_timeout.planned_rows(answer))
        for status, number, answer in zip(Status, exact, estimates, strict=True)
    }


def _by_other_indexes(
    visible: QuerySet[Execution], filters: Filters, estimates: RowEstimates, now: datetime
) -> dict[Status, Count]:
    matching = visible.filter(filters.condition(now))
    if sum(estimates.by_status.values()) <= COUNT_LIMIT and (found := _grouped([matching])):
        return found
    expected = estimates.by_status
    counts = {status: Count(number, is_estimate=True) for status, number in expected.items()}
    # What is under way is what people act on, and seldom much.
    few = [one for one in Status if one in LIVE and expected[one] <= COUNT_LIMIT]
    try:
        capped = _capped([matching.filter(status=status) for status in few])
        (exact,) = statement_timeout.run([capped], SECONDS)[0] or [(0,) * len(few)]
    except TooSlow:
        return counts
    numbers = zip(few, exact, strict=True)
    return counts | {one: _capped_count(number, expected[one]) for one, number in numbers}


def _capped_count(exact: int, estimate: int) -> Count:
    """Return what was counted up to the cap; beyond it, the estimate."""
    return Count(estimate, is_estimate=True) if exact > CAP < estimate else Count(exact)


def _capped(branches: Sequence[QuerySet[Execution]]) -> statement_timeout.Statement:
    """Return one statement of several counts, each of which stops at the cap."""
    parts: list[str] = []
    values: list[Any] = []
    for rows in branches:
        try:
            sql, given = rows.order_by().values("pk")[: CAP + 1].query.sql_with_params()
        except EmptyResultSet:
            return statement_timeout.NO_ROWS
        parts.append(f"(SELECT count(*) FROM ({sql}) AS capped)")
        values.extend(given)
    return ("SELECT " + ", ".join(parts), values) if parts else statement_timeout.NO_ROWS


def _grouped(parts: list[QuerySet[Execution]], cap: int = CAP) -> dict[Status, Count] | None:
    """Count all statuses at once, of querysets that have nothing in common.

    None when that comes to more than the cap, or takes too long.
    """
    asked = []
    for rows in parts:
        statement = statement_timeout.statement(rows.order_by().values("status")[: cap + 1])
        if statement is statement_timeout.NO_ROWS:
            continue
        sql, given = statement
        asked.append((f"SELECT status, count(*) FROM ({sql}) AS capped GROUP BY 1", given))
    try:
        answers = statement_timeout.run(asked, SECONDS)
    except TooSlow:
        return None
    found: Counter[str] = Counter()
    for status, number in chain.from_iterable(answers):
        found[status] += number
    if found.total() > cap:
        return None
    return _by_status({status: Count(number) for status, number in found.items()})


def _by_search_index(
    visible: QuerySet[Execution], filters: Filters, estimates: RowEstimates, now: datetime
) -> dict[Status, Count]:
    is_small = estimates.total <= SMALL_TABLE
    is_rare = estimates.is_unknown or estimates.in_any_status <= SEARCH_COUNT_LIMIT
    if is_small or (is_rare and len(estimates.frequent) < len(filters.search_keys)):
        branches = filters.conditions(now).branches(estimates.frequent)
        parts = [visible.filter(one) for one in branches]
        if found := _grouped(parts, CAP if is_small else SEARCH_COUNT_LIMIT):
            return found
    try:
        # With an exception there are few on each page of the table: a sample takes more pages.
        size = SAMPLE / 4 if filters.of_exceptions else SAMPLE
        return _sampled(visible.filter(filters.conditions(now).by_row()), estimates, size)
    except TooSlow:
        return _by_status({}, UNKNOWN)


def _sampled(
    matching: QuerySet[Execution], estimates: RowEstimates, size: float
) -> dict[Status, Count]:
    """Scale the proportion of the statuses on a sample of the table."""
    percent = min(100.0, 100 * size / max(estimates.total, 1))
    rows = matching.order_by().values("status").annotate(number=CountRows("pk"))
    sql, given = rows.values_list("status", "number").query.sql_with_params()
    table = connection.ops.quote_name(Execution._meta.db_table)
    sql = sql.replace(
        f"FROM {table}", f"FROM {table} TABLESAMPLE SYSTEM ({percent:.6f}) REPEATABLE (1)", 1
    )
    found = statement_timeout.fetch(sql, given, seconds=SECONDS)
    scale = estimates.in_any_status / max(sum(number for _, number in found), 1)
    return _by_status(
        {status: Count(round(number * scale), is_estimate=True) for status, number in found},
        Count(0, is_estimate=True),
    )


def _by_status(found: dict[str, Count], lacking: Count = ZERO) -> dict[Status, Count]:
    return {status: found.get(status.value, lacking) for status in Status}
