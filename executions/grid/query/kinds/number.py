"""A whole number, or a range of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, ClassVar

from django.db.models import Q

from executions.events import ExecutionChanged
from executions.grid.query import search_index
from executions.grid.query.errors import InvalidValue
from executions.grid.query.kinds.kind import AllOf, EventContext, Predicate, QueryContext, Strategy
from executions.grid.query.kinds.suggestions import SuggestedValue
from executions.grid.query.ranges import NumberRange, between, parse_range


@dataclass(frozen=True)
class Number(AllOf):
    """Numbers in a column; `code` marks the lexemes of single ones in the search index."""

    name = "number"
    hint = "A whole number such as 3, or a range such as >10 or 1..5."
    examples: ClassVar[Sequence[str]] = ("1", "3", ">2", "<=4", "2..5", "..3", "=0")
    is_ordered = True

    column: str
    code: str = ""

    def parse(self, text: str, zone: tzinfo) -> str:
        return parse_numbers(text)[1]

    def value_sql(self, value: str, context: QueryContext) -> Q:
        if self.code and context.strategy is not Strategy.ROW and value.isdigit():
            return search_index.has_value(self.code, [value])
        numbers = parse_numbers(value)[0]
        return between(self.column, numbers.low, numbers.high)

    def value_matches(self, value: str) -> Predicate:
        column, numbers = self.column, parse_numbers(value)[0]

        def matches(event: ExecutionChanged, _: EventContext) -> bool:
            number = getattr(event, column)
            return number is not None and numbers.holds(number)

        return matches

    def uses_search_index(self, values: Sequence[str]) -> bool:
        return bool(self.code) and any(value.isdigit() for value in values)

    def suggest(self, user: Any, typed: str) -> list[SuggestedValue]:
        presets = ((">1000", "More than 1000"), ("1..5", "1 to 5"))
        return [SuggestedValue(*one) for one in presets if one[0].startswith(typed)]


def parse_numbers(text: str) -> tuple[NumberRange, str]:
    """Return a range of whole numbers and its one spelling. Raises InvalidValue."""
    low, high, spelling = parse_range(text, _read)
    return NumberRange(low, high), spelling


def _read(word: str) -> tuple[int, int, str]:
    if not re.fullmatch(r"[0-9]{1,18}", word, re.ASCII):
        raise InvalidValue(f"“{word}” is not a whole number. Write 3, >10 or 1..5.")
    return int(word), int(word) + 1, str(int(word))
