"""The executions of a grid in groups: how many, how long on average and at most.

Of a grid that lets very many through only the newest are looked at, and that is told.
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
#: Groups that are listed, those with the most executions.
LISTED_LIMIT = 50
#: Seconds for which the groups that one reader was shown are shown to all who ask for the same:
#: less than a page waits (groups.html) after it was told that something has changed.
SHARED = 0.9
REMEMBERED = 100


@dataclass(frozen=True)
class Group:
    """Executions that have something in common. `address` is the grid of them; "" where there is
    no filter for them."""

    name: str
    address: str
    count: str
    average: timedelta
    longest: timedelta


@dataclass(frozen=True)
class Groups:
    """All groups of a grid. `others` are not listed; `capped` says that older ones were not looked
    at, `is_too_slow` that looking was stopped."""

    label: str
    listed: tuple[Group, ...] = ()
    others: int = 0
    looked_at: int = 0
    is_too_slow: bool = False

    @property
    def told(self) -> str:
        """How many were looked at."""
        return f"{self.looked_at:,}"

    @property
    def capped(self) -> bool:
        return self.looked_at >= GROUPED_LIMIT


_known: OrderedDict[Any, tuple[float, list[tuple[Any, ...]] | None]] = OrderedDict()


def groups(user: Any, query: PageQuery) -> Groups:
    """The groups that the address of a grid asks for."""
    grouping = groupings()[query.group]
    label = grouping.label
    found = _rows(user, query.filters.seen_by(user), grouping)
    if found is None:
        return Groups(label, is_too_slow=True)
    listed = found[:LISTED_LIMIT]
    names = _names(user, [row[0] for row in listed]) if query.group == "root" else {}
    return Groups(
        label=label,
        listed=tuple(
            Group(
                name=names.get(str(value), str(value)),
                address=_address(query, str(value)),
                count=f"{count:,}",
                average=average,
                longest=longest,
            )
            for value, count, average, longest, _ in listed
        ),
        others=len(found) - len(listed),
        looked_at=sum(row[4] for row in found),
    )


def _rows(user: Any, filters: Filters, grouping: Grouping) -> list[tuple[Any, ...]] | None:
    """Value, count, average and longest of each group, and how many executions are in it and in
    none before; None when that took too long."""
    whose = None if access.sees_all(user) else user.pk
    key = (whose, filters, grouping)
    now = time.monotonic()
    if (kept := _known.get(key)) and now - kept[0] < SHARED:
        return kept[1]
    try:
        found = _ask(access.visible(user), filters, grouping)
    except TooSlow:
        found = None
    _known[key] = (now, found)
    _known.move_to_end(key)
    while len(_known) > REMEMBERED:
        _known.popitem(last=False)
    return found


def _ask(
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
    took = "greatest(coalesce(ended_at, %s) - started_at, interval '0')"
    value, first, lines = grouping.column, "true", ""
    if grouping.has_several:
        # An execution is in the group of each.
        value, first = "line", "number = 1"
        lines = (
            f"CROSS JOIN LATERAL unnest(string_to_array({grouping.column}, E'\n')) "
            "WITH ORDINALITY AS types(line, number)"
        )
    return statement_timeout.fetch(
        f"SELECT {value}, count(*), avg({took}), max({took}), count(*) FILTER (WHERE {first}) "
        f"FROM ({matching}) AS matching {lines} GROUP BY 1 ORDER BY 2 DESC, 1",
        [now, now, *(value for _, given in parts for value in given)],
        settings=FOLLOW_INDEX if in_order else (),
    )


def _address(query: PageQuery, value: str) -> str:
    # A name that ends like this would be the beginning of others.
    if not value or value.endswith("*"):
        return ""
    filters = query.filters.with_values(query.group, [value])
    return query.first_page(filters=filters, group="").address()


def _names(user: Any, ids: list[Any]) -> dict[str, str]:
    roots = access.visible(user).filter(pk__in=ids).values_list("pk", "flow_name")
    return {str(one): f"{flow} …{str(one)[-4:]}" for one, flow in roots}
