"""The conditions of filters for the database, in the forms from which the planner chooses.

The search index holds neither what is in the queue nor what a worker holds. So where it is asked, a
condition has two parts: what the index finds, and the few rows beside it, which are looked at one
after the other. Each search term can also be looked for in the rows alone: where it is frequent,
that is cheaper.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, reduce
from operator import or_

from django.db.models import Q

from executions.grid.query import text_search
from executions.grid.query.filter_terms import Term
from executions.grid.query.kinds.kind import QueryContext, Strategy
from executions.grid.query.lexemes import words
from executions.grid.query.search_index import INDEXED
from executions.states import Status
from flows.queries import Arrangement, arrangement

#: What a search key begins with that stands for a word of the search; alone it is all of them.
SEARCH = "q:"


def search_keys(search: str, terms: Collection[Term]) -> tuple[str, ...]:
    """Return what the search index has to find: parameters of terms, and `q:` with each word.

    Empty when other indexes find all.
    """
    found = [term.parameter for term in terms if term.uses_search_index]
    if text_search.id_range(search):
        return (*found, SEARCH)
    return (*found, *(f"{SEARCH}{word}" for word in words(search)))


@dataclass(frozen=True)
class Conditions:
    """What filters let through, for querysets of executions.

    `keys` are the search keys; relative times count from `now`, and `me` is the reader's id.
    """

    statuses: frozenset[Status]
    search: str
    terms: tuple[Term, ...]
    keys: tuple[str, ...]
    now: datetime
    me: int | None

    def any_row(self, frequent: Collection[str] = ()) -> Q:
        """Return one condition for all that the filters let through.

        The search keys that are frequent are looked for in the columns of a row.
        """
        common, *parts = self._parts(frequent)
        return common & reduce(or_, parts) if parts else common

    def by_row(self) -> Q:
        """Return the same condition, put for looking at one row after the other."""
        return self.any_row(self.keys)

    def branches(self, frequent: Collection[str] = ()) -> list[Q]:
        """Return conditions that share out between them what the filters let through.

        An index serves each of them without looking at the rows that it finds.
        """
        common, *parts = self._parts(frequent)
        return [common & part for part in parts] or [common]

    def estimate(self) -> Q:
        """Return a condition that PostgreSQL can estimate, and that lets a few more through."""
        if not self.keys:
            return self.any_row()
        return self._common(self.keys) & INDEXED & self._keyed(self.keys, Strategy.ESTIMATE)

    def estimate_of(self, key: str) -> Q:
        """Return the condition by which one search key alone is estimated."""
        if key.startswith(SEARCH):
            search = key.removeprefix(SEARCH) or self.search
            return INDEXED & text_search.sql(search, in_row=lambda word: False)
        (term,) = (term for term in self.terms if term.parameter == key)
        return INDEXED & term.sql(self._context(Strategy.ESTIMATE))

    def _parts(self, frequent: Collection[str]) -> list[Q]:
        """Return what every row has to be; where the search index is asked, also what it finds, and
        what is not in it."""
        indexed = [key for key in self.keys if key not in frequent]
        common = self._common(indexed)
        if not indexed:
            return [common & self._keyed((), Strategy.ROW)]
        by_index = self._keyed(indexed, Strategy.INDEX)
        by_row = self._keyed(indexed, Strategy.ROW)
        return [common, INDEXED & by_index, ~INDEXED & by_row]

    def _common(self, keys: Collection[str]) -> Q:
        """Return the statuses, and the terms that are none of these keys, by row."""
        condition = Q()
        if self.statuses:
            condition &= Q(status__in=sorted(self.statuses))
        for term in self.terms:
            if term.parameter not in keys:
                condition &= term.sql(self._context(Strategy.ROW))
        return condition

    def _keyed(self, keys: Collection[str], strategy: Strategy) -> Q:
        """Return the search, and the terms that are these keys; words that are none of them are
        looked for by row."""
        condition = Q()
        for term in self.terms:
            if term.parameter in keys:
                condition &= term.sql(self._context(strategy))
        if self.search:
            is_keyed = SEARCH in keys
            condition &= text_search.sql(
                self.search,
                lambda word: (
                    strategy is Strategy.ROW or not (is_keyed or f"{SEARCH}{word}" in keys)
                ),
            )
        return condition

    @cached_property
    def _flows(self) -> Arrangement:
        """Where flows are arranged; read where a filter asks for it, and once."""
        return arrangement()

    def _context(self, strategy: Strategy) -> QueryContext:
        return QueryContext(self.now, self.me, strategy, lambda: self._flows)
