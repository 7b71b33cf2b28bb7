"""One field's part of a filter: its values in one spelling, and what they mean."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db.models import Q

from executions.events import ExecutionChanged
from executions.grid.query.fields import FIELDS, Field, field_of
from executions.grid.query.kinds.flag import EXCEPTION
from executions.grid.query.kinds.kind import EventContext, Predicate, QueryContext, Strategy
from executions.grid.query.lexer import EMPTY

#: Values of one field; more are not read.
VALUES = 30


@dataclass(frozen=True, order=True)
class Term:
    """What a field has to be: `values` as `Field.parse` spells them; or, negated, what not."""

    key: str
    values: tuple[str, ...]
    negated: bool = False

    @classmethod
    def of(cls, field: Field, values: Iterable[str], negated: bool = False) -> "Term":
        """Return the term of some values: each once, in one order."""
        return cls(field.key, tuple(sorted(set(values))[:VALUES]), negated)

    @property
    def field(self) -> Field:
        found = field_of(self.key)
        assert found is not None, self.key
        return found

    @property
    def parameter(self) -> str:
        """The parameter of an address: `flow`, or `-flow`."""
        return f"-{self.key}" if self.negated else self.key

    @property
    def typed(self) -> str:
        """How the term is typed."""
        return self.field.kind.write(self.key, self.values, "-" if self.negated else "")

    @property
    def is_personal(self) -> bool:
        """Whether it means something else for each reader."""
        return self.field.kind.is_personal(self.values)

    @property
    def depends_on_flows(self) -> bool:
        """Whether it depends on where flows are arranged."""
        return self.field.kind.depends_on_flows()

    @property
    def of_exceptions(self) -> bool:
        """Whether it lets through only what has thrown an exception."""
        return self.field.of_exceptions and not self.negated

    @property
    def uses_search_index(self) -> bool:
        """Whether the search index serves it, and no other index does."""
        return not self._by_row and self.field.kind.uses_search_index(self.values)

    @property
    def has_index(self) -> bool:
        """Whether a database index finds what it lets through."""
        field = self.field
        return not self.negated and field.indexed and field.kind.has_index(self.values)

    @property
    def _by_row(self) -> bool:
        return self.negated or EMPTY in self.values

    def sql(self, context: QueryContext) -> Q:
        """Return the condition of the executions that it lets through."""
        field = self.field
        if self._by_row:
            context = replace(context, strategy=Strategy.ROW)
        wanted = field.kind.sql(self.values, context)
        if field.of_exceptions and context.strategy is not Strategy.ESTIMATE:
            # Says nothing new for types, but lets the index of what has an exception be used.
            wanted &= EXCEPTION.condition
        return ~wanted if self.negated else wanted

    def matches(self, me: int | None) -> Predicate:
        """Return a predicate that says whether it lets a live event through."""
        holds = self.field.kind.matches(self.values, me)
        if self.field.of_exceptions:
            holds = _both(EXCEPTION.holds, holds)
        return _neither(holds) if self.negated else holds

    @property
    def mismatch(self) -> str:
        """Why an event no longer matches, in a few words."""
        return self.field.kind.mismatch(self.field.label, self.values, self.negated)


def _both(one: Predicate, other: Predicate) -> Predicate:
    def holds(event: ExecutionChanged, context: EventContext) -> bool:
        return one(event, context) and other(event, context)

    return holds


def _neither(one: Predicate) -> Predicate:
    def holds(event: ExecutionChanged, context: EventContext) -> bool:
        return not one(event, context)

    return holds


_ORDER = {field.key: number for number, field in enumerate(FIELDS)}


def in_order(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Return terms in the order in which their fields are declared, variables last."""
    return tuple(sorted(terms, key=lambda one: (_ORDER.get(one.key, 99), one.key, one.negated)))
