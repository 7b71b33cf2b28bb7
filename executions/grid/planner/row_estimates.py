"""How many executions the planner expects filters to let through: asked once a page, in one
message, and without reading a row."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from math import prod

from django.db.models import QuerySet

from executions.grid.planner import statement_timeout
from executions.grid.query.filters import Filters
from executions.grid.query.search_index import NOWHERE
from executions.models import Execution
from executions.states import Status

#: What share of all rows is frequent: enough for a page are among the next thousand or two.
FREQUENT = 0.03
#: Among no more rows than that it does not matter how they are looked for.
SMALL = 10_000


@dataclass(frozen=True)
class Expected:
    """Of filters that take the search index: how many match, how many do when their statuses don't
    count, and among how many; `frequent` are the search keys that are soon met without
    it, and `unknown` is what the planner expects of any word that it knows nothing of. Of others:
    how many match in each status. Of those by status alone: nothing."""

    matching: int = 0
    in_any_status: int = 0
    among: int = 0
    frequent: frozenset[str] = frozenset()
    unknown: int = 0
    by_status: dict[Status, int] = field(default_factory=dict)

    @classmethod
    def of(cls, visible: QuerySet[Execution], filters: Filters, now: datetime) -> "Expected":
        """`filters` are as their viewer means them."""
        without = replace(filters, statuses=frozenset())
        if not without.are_active:
            return cls()
        if not filters.search_keys:
            others = visible.filter(without.condition(now))
            counted = statement_timeout.estimates(
                [others.filter(status=status) for status in Status]
            )
            return cls(by_status=dict(zip(Status, counted, strict=True)))
        conditions = filters.conditions(now)
        asked = [
            base(filters),
            visible.filter(NOWHERE),
            visible.filter(conditions.estimate()),
            visible.filter(without.conditions(now).estimate()),
            *(visible.filter(conditions.estimate_of(key)) for key in filters.search_keys),
        ]
        among, unknown, *together = statement_timeout.estimates(asked)
        matching, in_any_status, *alone = (max(number, 1) for number in together)
        # What is sought is seldom independent: the rarest part says more than their product.
        shares = [number / max(among, 1) for number in alone]
        known = min(shares) / prod(shares)
        frequent = {
            one
            for one, number, share in zip(filters.search_keys, alone, shares, strict=True)
            # Of what the planner knows nothing of, the estimate is a share of the whole table.
            if share >= FREQUENT and (among <= SMALL or number > unknown)
        }
        return cls(
            matching=min(int(matching * known), *alone),
            in_any_status=min(int(in_any_status * known), *alone),
            among=among,
            frequent=frozenset(frequent),
            unknown=unknown,
        )

    @property
    def is_unknown(self) -> bool:
        """Whether all that is known of what is sought is that it is not frequent."""
        return self.in_any_status <= self.unknown

    @property
    def share(self) -> float:
        """What share of all rows matches."""
        return self.matching / max(self.among, 1)


def base(filters: Filters) -> QuerySet[Execution]:
    """What has an index in the order of time and holds all that filters let through: everything,
    or what has an exception."""
    everything = Execution.objects.all()
    return everything.exclude(exception_types="") if filters.of_exceptions else everything
