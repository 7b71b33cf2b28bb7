"""How many executions PostgreSQL expects filters to let through.

Asked once a page, in one message, and without reading a row.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from math import prod

from django.db.models import QuerySet

from executions.grid.planner import statement_timeout
from executions.grid.query.filters import Filters
from executions.grid.query.search_index import INDEXED, has_value
from executions.models import Execution
from executions.states import Status

#: A search key is frequent that this share of all rows has: enough for a page are among the next
#: thousand or two.
FREQUENT = 0.03
#: Among no more rows than that it does not matter how they are looked for.
SMALL = 10_000
#: What no row has: no field has that code. PostgreSQL expects as many rows of it as of any other
#: word that its statistics do not list.
UNLISTED = INDEXED & has_value("?", ["?"])


@dataclass(frozen=True)
class RowEstimates:
    """How many rows match filters.

    Where the filters use the search index: how many match, how many do in any status, and of how
    many in `total`; `frequent` are the search keys that are soon met without the index, and
    `unlisted` is what PostgreSQL expects of a word of which it knows nothing. Else only how many
    match in each status; of filters by status alone, not even that.
    """

    matching: int = 0
    in_any_status: int = 0
    total: int = 0
    frequent: frozenset[str] = frozenset()
    unlisted: int = 0
    by_status: dict[Status, int] = field(default_factory=dict)

    @classmethod
    def of(cls, visible: QuerySet[Execution], filters: Filters, now: datetime) -> "RowEstimates":
        """Ask for the estimates of filters as their reader means them (`Filters.seen_by`)."""
        in_any_status = replace(filters, statuses=frozenset())
        if not in_any_status.are_active:
            return cls()
        if not filters.search_keys:
            matching = visible.filter(in_any_status.condition(now))
            numbers = statement_timeout.estimate_rows(
                [matching.filter(status=status) for status in Status]
            )
            return cls(by_status=dict(zip(Status, numbers, strict=True)))
        conditions = filters.conditions(now)
        asked = [
            time_ordered(filters),
            visible.filter(UNLISTED),
            visible.filter(conditions.estimate()),
            visible.filter(in_any_status.conditions(now).estimate()),
            *(visible.filter(conditions.estimate_of(key)) for key in filters.search_keys),
        ]
        total, unlisted, *numbers = statement_timeout.estimate_rows(asked)
        together, together_in_any, *alone = (max(number, 1) for number in numbers)
        shares = [number / max(total, 1) for number in alone]
        # PostgreSQL takes the keys for independent, which they seldom are: the rarest of them says
        # more than the product of their shares.
        correction = min(shares) / prod(shares)
        frequent = {
            key
            for key, number, share in zip(filters.search_keys, alone, shares, strict=True)
            # Of an unlisted word the estimate is a share of the whole table.
            if share >= FREQUENT and (total <= SMALL or number > unlisted)
        }
        return cls(
            matching=min(int(together * correction), *alone),
            in_any_status=min(int(together_in_any * correction), *alone),
            total=total,
            frequent=frozenset(frequent),
            unlisted=unlisted,
        )

    @property
    def is_unknown(self) -> bool:
        """Whether all that is known of the search keys is that they are not frequent."""
        return self.in_any_status <= self.unlisted

    @property
    def share(self) -> float:
        """The share of all rows that matches."""
        return self.matching / max(self.total, 1)


def time_ordered(filters: Filters) -> QuerySet[Execution]:
    """Return rows that have an index in the order of time and hold all that filters let through:
    all of them, or those with an exception."""
    everything = Execution.objects.all()
    return everything.exclude(exception_types="") if filters.of_exceptions else everything
