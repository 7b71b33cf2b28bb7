"""Words that a text holds, each as the beginning of one. All of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar

from django.db.models import F, Q

from executions.grid.query import lexemes, search_index
from executions.grid.query.errors import InvalidValue
from executions.grid.query.kinds.kind import (
    AllOf,
    Predicate,
    QueryContext,
    Strategy,
)
from executions.grid.query.search_index import FoldCase


@dataclass(frozen=True)
class Words(AllOf):
    """Words in a column that the search index holds, too."""

    name = "words"
    hint = "Words, or their beginnings. All of them have to be there."
    examples: ClassVar[Sequence[str]] = ("timed", "TIMED out", "get /v2", "éa")

    column: str

    def parse(self, text: str, zone: tzinfo) -> str:
        if not lexemes.words(text):
            raise InvalidValue(f"“{text}” has no letter or digit. Write a word.")
        return " ".join(text.split())

    def value_sql(self, value: str, context: QueryContext) -> Q:
        words = lexemes.words(value)
        if context.strategy is Strategy.ESTIMATE:
            # Words of one text are not independent, as PostgreSQL takes them to be: it estimates
            # the one that is likely the rarest.
            return search_index.has_words([max(words, key=len)])
        found = Q()
        for word in words:
            found &= search_index.contains_word(FoldCase(F(self.column)), word)
        if context.strategy is Strategy.INDEX:
            found &= search_index.has_words(words)
        return found

    def value_matches(self, value: str) -> Predicate:
        column, words = self.column, lexemes.words(value)
        return lambda event, context: lexemes.begin_all(
            words, lexemes.words(getattr(event, column))
        )

    def uses_search_index(self, values: Sequence[str]) -> bool:
        return True
