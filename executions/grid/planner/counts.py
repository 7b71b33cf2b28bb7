"""How many executions there are in each status: exactly where that is cheap, else about."""

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
from executions.grid.planner.row_estimates import Expected
from executions.grid.planner.statement_timeout import TooSlow
from executions.grid.query.filters import Filters
from executions.models import Execution
from executions.states import LIVE, Status

#: No count goes on beyond that.
CAP = 10_000
#: More rows than the planner expects here are not counted: what finds them costs too much.
COUNTED = 5_000
#: Of what the search index finds so many are counted, where that is not known to be more; and all
#: in a table that is no larger than:
COUNTED_SOUGHT = 2_000
SMALL = 10_000
#: Rows that are looked at to tell about how many there are among all.
SAMPLE = 3_000
#: Seconds that counting may take; then it is the planner's estimates.
SECONDS = 0.25


@dataclass(frozen=True)
class Count:
    """A number: exact up to the cap, or about."""

    number: int
    about: bool = False

    def __str__(self) -> str:
        if self.number < 0:
            return "?"
        if not self.about:
            return f"{CAP:,}+" if self.number > CAP else f"{self.number:,}"
        for size, sign in ((10**6, "M"), (10**3, "k")):
            if self.number >= size * 0.9995:  # what would be written as 1000 of the smaller
                share = self.number / size
                return f"~{share:.1f}{sign}" if share < 10 else f"~{share:.0f}{sign}"
        return f"~{self.number}"

    @property
    def words(self) -> str:
        """The number in full, for a title."""
        if self.number < 0:
            return "It took too long to count them"
        if self.about:
            return f"About {self.number:,}, as the database estimates"
        return f"More than {CAP:,}" if self.number > CAP else f"{self.number:,}"

    def __add__(self, other: "Count") -> "Count":
        return Count(self.number + other.number, self.about or other.about)


NONE = Count(0)
#: What took too long to count.
UNKNOWN = Count(-1, about=True)


def count_by_status(
    visible: QuerySet[Execution],
    filters: Filters,
    expected: Expected | None = None,
    now: datetime | None = None,
) -> dict[str, Count]:
    """What each status would show, with the other filters as they are; "" is all of them.

    `filters` are as their viewer means them (`Filters.seen_by`); `expected` is asked for when the
    caller has not. What is expected to be too much is not counted; what takes too long is UNKNOWN.
    """
    now = now or timezone.now()
    others = replace(filters, statuses=frozenset())
    try:
        expected = expected or Expected.of(visible, filters, now)
        if not others.are_active:
            return _with_all(_unfiltered(visible))
        if not others.search_keys:
            return _with_all(_indexed(visible, others, expected, now))
        return _with_all(_sought(visible, others, expected, now))
    except TooSlow:
        return uncounted()


def uncounted() -> dict[str, Count]:
    """What is said where counting takes too long."""
    return _with_all(dict.fromkeys(Status, UNKNOWN))


def total(counts: Mapping[str, Count], statuses: Iterable[Status]) -> Count:
    """How many there are on all pages, of what `count_by_status` tells."""
    chosen = [counts[status.value] for status in statuses] or [counts[""]]
    return sum(chosen[1:], chosen[0])


def counted(statuses: Iterable[str]) -> dict[str, Count]:
    """The counts of executions that are all known."""
    found = Counter(statuses)
    return _with_all({status: Count(found[status.value]) for status in Status})


def _with_all(counts: dict[Status, Count]) -> dict[str, Count]:
    if UNKNOWN in counts.values():
        return {"": UNKNOWN, **{status.value: UNKNOWN for status in Status}}
    return {"": sum(counts.values(), NONE), **{status.value: counts[status] for status in Status}}


def _unfiltered(visible: QuerySet[Execution]) -> dict[Status, Count]:
    """Every status has an index of its own, so each is counted up to the cap; how many are beyond
    is asked in the same message."""
    branches = [visible.filter(status=status) for status in Status]
    capped, *expected = statement_timeout.ask(
        [_capped(branches), *(statement_timeout.expected(rows) for rows in branches)], SECONDS * 4
    )
    exact = capped[0] if capped else (0,) * len(Status)
    return {
        status: _told(number, statement_timeout.estimate(answer))
        for status, number, answer in zip(Status, exact, expected, strict=True)
    }


def _indexed(
    visible: QuerySet[Execution], filters: Filters, expected: Expected, now: datetime
) -> dict[Status, Count]:
    matching = visible.filter(filters.condition(now))
    if sum(expected.by_status.values()) <= COUNTED and (found := _grouped([matching])):
        return found
    counts = {status: Count(number, about=True) for status, number in expected.by_status.items()}
    # What is under way is what people act on, and seldom much.
    few = [one for one in Status if one in LIVE and expected.by_status[one] <= COUNTED]
    try:
        capped = _capped([matching.filter(status=status) for status in few])
        (exact,) = statement_timeout.ask([capped], SECONDS)[0] or [(0,) * len(few)]
    except TooSlow:
        return counts
    told = zip(few, exact, strict=True)
    return counts | {one: _told(number, expected.by_status[one]) for one, number in told}


def _told(exact: int, expected: int) -> Count:
    """What was counted up to the cap; beyond, what is expected."""
    return Count(expected, about=True) if exact > CAP < expected else Count(exact)


def _capped(branches: Sequence[QuerySet[Execution]]) -> statement_timeout.Statement:
    """Counts in one statement, each of which stops at the cap."""
    parts: list[str] = []
    values: list[Any] = []
    for rows in branches:
        try:
            sql, given = rows.order_by().values("pk")[: CAP + 1].query.sql_with_params()
        except EmptyResultSet:
            return statement_timeout.NOTHING
        parts.append(f"(SELECT count(*) FROM ({sql}) AS capped)")
        values.extend(given)
    return ("SELECT " + ", ".join(parts), values) if parts else statement_timeout.NOTHING


def _grouped(parts: list[QuerySet[Execution]], cap: int = CAP) -> dict[Status, Count] | None:
    """All statuses in one go, of querysets that have nothing in common; None when that comes to
    more than the cap, or takes too long."""
    asked = []
    for rows in parts:
        statement = statement_timeout.statement(rows.order_by().values("status")[: cap + 1])
        if statement is statement_timeout.NOTHING:
            continue
        sql, given = statement
        asked.append((f"SELECT status, count(*) FROM ({sql}) AS capped GROUP BY 1", given))
    try:
        answers = statement_timeout.ask(asked, SECONDS)
    except TooSlow:
        return None
    found: Counter[str] = Counter()
    for status, number in chain.from_iterable(answers):
        found[status] += number
    if found.total() > cap:
        return None
    return _by_status({status: Count(number) for status, number in found.items()})


def _sought(
    visible: QuerySet[Execution], filters: Filters, expected: Expected, now: datetime
) -> dict[Status, Count]:
    is_small = expected.among <= SMALL
    is_rare = expected.is_unknown or expected.in_any_status <= COUNTED_SOUGHT
    if is_small or (is_rare and len(expected.frequent) < len(filters.search_keys)):
        parts = [visible.filter(one) for one in filters.conditions(now).branches(expected.frequent)]
        if found := _grouped(parts, CAP if is_small else COUNTED_SOUGHT):
            return found
    try:
        # Few on a page of the table have an exception, and the rest is soon told.
        size = SAMPLE / 4 if filters.of_exceptions else SAMPLE
        return _sampled(visible.filter(filters.conditions(now).by_row()), expected, size)
    except TooSlow:
        return _by_status({}, UNKNOWN)


def _sampled(matching: QuerySet[Execution], expected: Expected, size: float) -> dict[Status, Count]:
    """In what proportion they are on some pages of the table."""
    percent = min(100.0, 100 * size / max(expected.among, 1))
    rows = matching.order_by().values("status").annotate(number=CountRows("pk"))
    sql, given = rows.values_list("status", "number").query.sql_with_params()
    table = connection.ops.quote_name(Execution._meta.db_table)
    sql = sql.replace(
        f"FROM {table}", f"FROM {table} TABLESAMPLE SYSTEM ({percent:.6f}) REPEATABLE (1)", 1
    )
    found = statement_timeout.fetch(sql, given, seconds=SECONDS)
    scale = expected.in_any_status / max(sum(number for _, number in found), 1)
    return _by_status(
        {status: Count(round(number * scale), about=True) for status, number in found},
        Count(0, about=True),
    )


def _by_status(found: dict[str, Count], lacking: Count = NONE) -> dict[Status, Count]:
    return {status: found.get(status.value, lacking) for status in Status}
