"""The interface of a kind of filter values: reading, writing, SQL, live matching, suggestions.

`sql` and `matches` mean the same, one for the database, one for a live event. A test holds them
against each other for the values of every field.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import Enum
from typing import Any, ClassVar

from django.db.models import Q

from executions.events import ExecutionChanged
from executions.grid.query.kinds.suggestions import SuggestedValue
from executions.grid.query.lexer import EMPTY, alternatives, plain, quoted
from flows.queries import NOWHERE, Arrangement, arrangement

#: Characters of a value; longer ones are refused.
VALUE_LIMIT = 200
#: Operators that mean no more than a colon.
COLONS = (":", "=", "==")


class Strategy(Enum):
    """How a condition is put to the database."""

    #: In the words of the search index, where it serves a value.
    INDEX = "index"
    #: In the columns of a row, which is cheaper for looking at one row after the other.
    ROW = "row"
    #: As by the index and no more exactly, so that PostgreSQL can estimate how many rows match.
    ESTIMATE = "estimate"


@dataclass(frozen=True, slots=True)
class QueryContext:
    """What a condition depends on beside the values: the time, the reader's id, the strategy, and
    where flows are arranged."""

    now: datetime
    me: int | None
    strategy: Strategy = Strategy.INDEX
    flows: Callable[[], Arrangement] = arrangement


@dataclass(frozen=True, slots=True)
class EventContext:
    """What a match depends on beside the event: the values of the variables that filters name, the
    time, the ids of the executions that the reader watches, and where flows are arranged."""

    variables: Mapping[str, Any]
    now: datetime
    watched: Collection[str] = ()
    flows: Arrangement = NOWHERE


Predicate = Callable[[ExecutionChanged, EventContext], bool]


class Kind(ABC):
    """How the values of a field are written, and what they mean."""

    #: The word for it in the documentation.
    name: ClassVar[str]
    #: One sentence for the editor of the filter bar.
    hint: ClassVar[str] = ""
    #: Values that show what can be written; they suggest and test.
    examples: ClassVar[Sequence[str]] = ()
    #: Whether several values are alternatives; else all of them have to hold.
    any_of: ClassVar[bool] = False
    #: Whether `<` and `>` mean something.
    is_ordered: ClassVar[bool] = False
    #: Whether a text may be empty: `worker:""` finds what no worker holds.
    optional: bool = False
    max_length: ClassVar[int] = VALUE_LIMIT

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        """The only values, with their labels; none where any text is a value."""
        return ()

    # Reading and writing

    def typed_values(self, operator: str, raw: str) -> tuple[str, ...]:
        """Return the values that are typed behind a field's operator."""
        if self.any_of:
            return alternatives(raw)
        return (("" if operator in COLONS else operator) + plain(raw),)

    def operator_problem(self, key: str, operator: str, negated: bool) -> str:
        """Return what to write instead of an operator that this kind does not have."""
        if operator in COLONS or (self.is_ordered and operator in ("<", "<=", ">", ">=")):
            return ""
        if operator in ("=<", "=>"):
            other = operator[1]
            return f"There is no operator {operator}. Write {key}{other}= or {key}{other}."
        if operator in ("!", "!="):
            return f"{key} has no operator {operator}. Write {'' if negated else '-'}{key}:…"
        return f"{key} has no order, so {operator} means nothing. Write {key}:…"

    def missing(self, key: str, example: str) -> str:
        """Return what to write where a value is missing."""
        if self.options:
            example = self.options[0][0]
        empty = f", or {key}:{EMPTY} for none" if self.optional else ""
        return f"Write a value, as in {key}:{quoted(example)}{empty}."

    @abstractmethod
    def parse(self, text: str, zone: tzinfo) -> str:
        """Return a value in its one spelling.

        Times without a zone are in `zone`. Raises InvalidValue (`errors`).
        """

    def write(self, key: str, values: Sequence[str], sign: str = "") -> str:
        """Return how values of a field are typed; `sign` is a minus or nothing."""
        if self.any_of:
            return f"{sign}{key}:{','.join(map(quoted, values))}"
        return " ".join(f"{sign}{key}:{quoted(value)}" for value in values)

    def labels(self, values: Sequence[str]) -> str:
        """Return how the filter bar shows values."""
        names = dict(self.options)
        return ", ".join(names.get(value, value) for value in values)

    # Meaning

    @abstractmethod
    def sql(self, values: Sequence[str], context: QueryContext) -> Q:
        """Return the condition that executions with these values meet."""

    @abstractmethod
    def matches(self, values: Sequence[str], me: int | None) -> Predicate:
        """Return a predicate that says whether a live event has these values."""

    def mismatch(self, label: str, values: Sequence[str], negated: bool) -> str:
        """Say in a few words why an event no longer matches."""
        joined = (" or " if self.any_of else " and ").join(values)
        return f"{label} is no longer {'other than ' if negated else ''}{joined}"

    def is_personal(self, values: Sequence[str]) -> bool:
        """Return whether values mean something else for each reader."""
        return False

    def depends_on_flows(self) -> bool:
        """Return whether it depends on where flows are arranged."""
        return False

    def uses_search_index(self, values: Sequence[str]) -> bool:
        """Return whether the search index finds these values, and no other index does."""
        return False

    def has_index(self, values: Sequence[str]) -> bool:
        """Return whether an index finds these values."""
        return True

    # Suggestions

    def suggest(self, user: Any, typed: str) -> list[SuggestedValue]:
        """Return values that a user may see and that go on from what is typed."""
        return []


class AllOf(Kind):
    """A kind whose values all have to hold."""

    @abstractmethod
    def value_sql(self, value: str, context: QueryContext) -> Q:
        """Return the condition for one value."""

    @abstractmethod
    def value_matches(self, value: str) -> Predicate:
        """Return the predicate for one value."""

    def sql(self, values: Sequence[str], context: QueryContext) -> Q:
        wanted = Q()
        for value in values:
            wanted &= self.value_sql(value, context)
        return wanted

    def matches(self, values: Sequence[str], me: int | None) -> Predicate:
        predicates = [self.value_matches(value) for value in values]
        if len(predicates) == 1:
            return predicates[0]
        return lambda event, context: all(holds(event, context) for holds in predicates)
