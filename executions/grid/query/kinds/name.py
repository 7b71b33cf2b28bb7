"""A name, or its beginning and a star: of a workspace, a block type, a worker… Any of several."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, ClassVar

from django.db.models import F, Q, QuerySet, Value
from django.db.models.lookups import Exact, StartsWith

from executions.grid.query import search_index
from executions.grid.query.kinds.kind import Kind, Predicate, QueryContext, Strategy
from executions.grid.query.kinds.suggestions import RECENT, SuggestedValue, newest, suggested
from executions.grid.query.lexemes import fold
from executions.grid.query.lexer import EMPTY
from executions.grid.query.search_index import FoldCase
from executions.models import Execution


@dataclass(frozen=True)
class Name(Kind):
    """A name in a column, in any case; `code` marks its lexemes in the search index."""

    name = "name"
    hint = "A name, or its beginning and a star."
    examples: ClassVar[Sequence[str]] = ("orders", "ORD*", "*", "http request", "/default*")
    any_of = True

    column: str
    code: str = ""
    #: Whether an execution may have none.
    optional: bool = False

    def parse(self, text: str, zone: tzinfo) -> str:
        return text

    # For the database

    def sql(self, values: Sequence[str], context: QueryContext) -> Q:
        names = [value for value in values if value != EMPTY]
        wanted = self.names_sql(names, context)
        return wanted | Q(**{self.column: ""}) if EMPTY in values else wanted

    def names_sql(self, names: Sequence[str], context: QueryContext) -> Q:
        """Return the condition for names, none of which is empty."""
        if not names:
            return Q()
        if self.code and context.strategy is not Strategy.ROW:
            return search_index.has_value(self.code, names)
        return self.row_sql(names)

    def row_sql(self, names: Sequence[str]) -> Q:
        """Return the condition for names in the column of a row."""
        folded = FoldCase(F(self.column))
        wanted = Q()
        for name in map(fold, names):
            if name.endswith("*"):
                wanted |= Q(StartsWith(folded, Value(name[:-1]))) & ~Q(**{self.column: ""})
            else:
                wanted |= Q(Exact(folded, Value(name)))
        return wanted

    # For a live event

    def matches(self, values: Sequence[str], me: int | None) -> Predicate:
        column, is_wanted = self.column, self.name_matcher(values)
        return lambda event, context: is_wanted(getattr(event, column))

    def name_matcher(self, values: Sequence[str]) -> Callable[[str], bool]:
        """Return a function that says whether a name is one of some values."""
        comparable = self.comparable
        names = frozenset(
            comparable("" if value == EMPTY else value)
            for value in values
            if not value.endswith("*")
        )
        beginnings = tuple(fold(value[:-1]) for value in values if value.endswith("*"))

        def is_wanted(name: str) -> bool:
            if names and comparable(name) in names:
                return True
            return bool(name and beginnings) and fold(name).startswith(beginnings)

        return is_wanted

    def comparable(self, name: str) -> str:
        """Return a whole name as it is compared."""
        return fold(name)

    # Index and suggestions

    def uses_search_index(self, values: Sequence[str]) -> bool:
        return bool(self.code)

    def suggest(self, user: Any, typed: str) -> list[SuggestedValue]:
        """Suggest the names that the newest executions have."""
        folded = fold(typed)
        found = set(self.recent(user).values_list(self.column, flat=True)[:RECENT])
        return suggested(sorted(name for name in found if name and folded in fold(name)))

    def recent(self, user: Any) -> QuerySet[Execution]:
        """Return the executions that have names to suggest."""
        return newest(user)
