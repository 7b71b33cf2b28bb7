"""The executions of a grid in groups: how many, how long on average and at most.

When very many executions match, only the newest are grouped, and the page says so.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from executions import access
from executions.grid.paging.page_query import PageQuery
from executions.grid.planner import statement_timeout
from executions.grid.planner.statement_timeout import FOLLOW_INDEX, TooSlow
from executions.grid.query.filters import Filters
from executions.grid.table.columns import Grouping, groupings
from executions.models import Execution

#: Executions that are grouped at most: the newest that match.
GROUPED_LIMIT = 50_000
#: Groups that are listed: those with the most executions.
LISTED_LIMIT = 50
#: Seconds for which everybody who asks for the same groups is shown the same answer: less than a
#: page waits after a change (groups.html).
SHARED_SECONDS = 0.9
#: Answers that are shared at a time.
SHARED_LIMIT = 100

#: One group for each value of a column.
GROUP_BY_VALUE = """
SELECT {column}, count(*), avg(took), max(took), count(*)
FROM (
    SELECT {column}, greatest(coalesce(ended_at, %s) - started_at, interval '0') AS took
    FROM ({matching}) AS matching
) AS executions
GROUP BY 1
ORDER BY 2 DESC, 1
"""
#: One group for each line of a column. An execution counts in the group of each of its lines, and
#: once, with its first line, among all executions.
GROUP_BY_LINE = """
SELECT line, count(*), avg(took), max(took), count(*) FILTER (WHERE number = 1)
FROM (
    SELECT {column}, greatest(coalesce(ended_at, %s) - started_at, interval '0') AS took
    FROM ({matching}) AS matching
) AS executions
CROSS JOIN LATERAL unnest(string_to_array({column}, E'\\n')) WITH ORDINALITY AS lines (line, number)
GROUP BY 1
ORDER BY 2 DESC, 1
"""


@dataclass(frozen=True)
class ExecutionGroup:
    """Executions with the same value of a column.

    `address` is the grid of them; "" where no filter finds them.
    """

    name: str
    address: str
    count: str
    average: timedelta
    longest: timedelta


@dataclass(frozen=True)
class ExecutionGroups:
    """All groups of a grid.

    `others` is how many are not listed, `grouped` how many executions were looked at, and
    `is_too_slow` says that the database was stopped.
    """

    label: str
    listed: tuple[ExecutionGroup, ...] = ()
    others: int = 0
    grouped: int = 0
    is_too_slow: bool = False

    @property
    def is_capped(self) -> bool:
        """Whether older executions may match that were not looked at."""
        return self.grouped >= GROUPED_LIMIT


_shared: OrderedDict[Any, tuple[float, list[tuple[Any, ...]] | None]] = OrderedDict()


def group_executions(user: Any, query: PageQuery) -> ExecutionGroups:
    """Return the groups that the address of a grid asks for."""
    grouping = groupings()[query.group]
    rows = _shared_rows(user, query.filters.seen_by(user), grouping)
    if rows is None:
        return ExecutionGroups(grouping.label, is_too_slow=True)
    listed = rows[:LISTED_LIMIT]
    names = _root_names(user, [row[0] for row in listed]) if query.group == "root" else {}
    return ExecutionGroups(
        label=grouping.label,
        listed=tuple(
            ExecutionGroup(
                name=names.get(str(value), str(value)),
                address=_address(query, str(value)),
                count=f"{count:,}",
                average=average,
                longest=longest,
            )
            for value, count, average, longest, _ in listed
        ),
        others=len(rows) - len(listed),
        grouped=sum(row[4] for row in rows),
    )


def _shared_rows(user: Any, filters: Filters, grouping: Grouping) -> list[tuple[Any, ...]] | None:
    """Return value, count, average and longest of each group, and of how many executions it is the
    first group; None when that took too long."""
    key = (access.seen(user), filters, grouping)
    now = time.monotonic()
    if (kept := _shared.get(key)) and now - kept[0] < SHARED_SECONDS:
        return kept[1]
    try:
        found = _read(access.visible(user), filters, grouping)
    except TooSlow:
        found = None
    _shared[key] = (now, found)
    _shared.move_to_end(key)
    while len(_shared) > SHARED_LIMIT:
        _shared.popitem(last=False)
    return found


def _read(
    visible: QuerySet[Execution], filters: Filters, grouping: Grouping
) -> list[tuple[Any, ...]]:
    now = timezone.now()
    conditions = filters.conditions(now)
    (expected,) = statement_timeout.estimate_rows([visible.filter(conditions.estimate())])
    in_order = expected > GROUPED_LIMIT
    parts = []
    for condition in [conditions.by_row()] if in_order else conditions.branches():
        rows = visible.filter(condition)
        if grouping.has_several:
            rows = rows.exclude(**{grouping.column: ""})
        if in_order:
            rows = rows.order_by("-started_at", "-id")
        parts.append(
            statement_timeout.statement(
                rows.values(grouping.column, "started_at", "ended_at")[:GROUPED_LIMIT]
            )
        )
    parts = [part for part in parts if part is not statement_timeout.NO_ROWS]
    if not parts:
        return []
    matching = " UNION ALL ".join(f"({sql})" for sql, _ in parts)
    sql = GROUP_BY_LINE if grouping.has_several else GROUP_BY_VALUE
    return statement_timeout.fetch(
        sql.format(column=grouping.column, matching=matching),
        [now, *(value for _, given in parts for value in given)],
        settings=FOLLOW_INDEX if in_order else (),
    )


def _address(query: PageQuery, value: str) -> str:
    # A name that ends like this would be the beginning of others.
    if not value or value.endswith("*"):
        return ""
    filters = query.filters.with_values(query.group, [value])
    return query.first_page(filters=filters, group="").address()


def _root_names(user: Any, ids: list[Any]) -> dict[str, str]:
    roots = access.visible(user).filter(pk__in=ids).values_list("pk", "flow_name")
    return {str(one): f"{flow} …{str(one)[-4:]}" for one, flow in roots}
