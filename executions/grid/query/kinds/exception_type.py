"""The type of any exception that an execution has thrown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from executions.grid.query.kinds.kind import Predicate
from executions.grid.query.kinds.name import Name
from executions.grid.query.kinds.suggestions import RECENT, SuggestedValue, suggested
from executions.grid.query.lexemes import fold
from executions.grid.query.search_index import FoldCase
from executions.models import Execution


class _Lines(Func):
    """A text of lines with a line break before and behind it, so that each line has both."""

    template = r"(E'\n' || %(expressions)s || E'\n')"
    output_field = TextField()


@dataclass(frozen=True)
class ExceptionType(Name):
    """A type in a column of exception types, one a line."""

    def row_sql(self, names: Sequence[str]) -> Q:
        lines = _Lines(FoldCase(F(self.column)))
        wanted = Q()
        for name in map(fold, names):
            line = f"\n{name[:-1]}" if name.endswith("*") else f"\n{name}\n"
            wanted |= Q(GreaterThan(StrIndex(lines, Value(line)), Value(0)))
        return wanted

    def matches(self, values: Sequence[str], me: int | None) -> Predicate:
        column, is_wanted = self.column, self.name_matcher(values)
        return lambda event, context: any(map(is_wanted, getattr(event, column).split("\n")))

    def suggest(self, user: Any, typed: str) -> list[SuggestedValue]:
        folded = fold(typed)
        types = set(self.recent(user).values_list(self.column, flat=True)[:RECENT])
        names = {name for one in types for name in one.split("\n")}
        return suggested(sorted(name for name in names if name and folded in fold(name)))

    def recent(self, user: Any) -> QuerySet[Execution]:
        return super().recent(user).exclude(**{self.column: ""})
