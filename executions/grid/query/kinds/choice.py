"""A choice: one of a few words, such as a status. Several are alternatives."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from difflib import get_close_matches
from typing import Any

from django.db.models import Q

from executions.grid.query import search_index
from executions.grid.query.errors import InvalidValue
from executions.grid.query.kinds.kind import Kind, Predicate, QueryContext, Strategy
from executions.grid.query.kinds.suggestions import SuggestedValue
from executions.grid.query.lexemes import fold


@dataclass(frozen=True)
class Choice(Kind):
    """One of some values of a column; `code` marks its lexemes in the search index."""

    name = "choice"
    any_of = True

    column: str
    choices: Sequence[tuple[str, str]] = field(repr=False)
    code: str = ""

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        return self.choices

    def parse(self, text: str, zone: tzinfo) -> str:
        return one_of(text, [value for value, _ in self.choices])

    def sql(self, values: Sequence[str], context: QueryContext) -> Q:
        if self.code and context.strategy is not Strategy.ROW:
            return search_index.has_value(self.code, values)
        return Q(**{f"{self.column}__in": list(values)})

    def matches(self, values: Sequence[str], me: int | None) -> Predicate:
        column, wanted = self.column, frozenset(values)
        return lambda event, context: getattr(event, column) in wanted

    def uses_search_index(self, values: Sequence[str]) -> bool:
        return bool(self.code)

    def suggest(self, user: Any, typed: str) -> list[SuggestedValue]:
        return options_with(self.choices, typed)


def one_of(text: str, values: Sequence[str]) -> str:
    """Return the value that a text spells in any case. Raises InvalidValue."""
    known = {value.casefold(): value for value in values}
    if found := known.get(text.casefold()):
        return found
    near = get_close_matches(text.casefold(), known, n=1, cutoff=0.65)
    if near:
        raise InvalidValue(f"There is no “{text}”. Did you mean {known[near[0]]}?")
    raise InvalidValue(f"There is no “{text}”. Write one of {', '.join(values)}.")


def options_with(options: Sequence[tuple[str, str]], typed: str) -> list[SuggestedValue]:
    """Return the options whose value or label contains what is typed."""
    folded = fold(typed)
    known = [SuggestedValue(value, label if label != value else "") for value, label in options]
    return [one for one in known if folded in fold(one.value) or folded in fold(one.detail)]
