"""Which executions a grid shows: read from an address or a typed query, written, and changed.

`Filters.condition` and `Filters.matches` mean the same, one for the database, one for live events;
a test holds them against each other. What fields there are stands in `fields`, what their values
mean in `kinds`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Self

from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone

from executions.events import ExecutionChanged
from executions.grid.query import query_syntax, text_search
from executions.grid.query.conditions import Conditions, search_keys
from executions.grid.query.fields import field_of
from executions.grid.query.filter_terms import Term, in_order
from executions.grid.query.kinds.kind import EventContext, Predicate
from executions.grid.query.kinds.variable import Variable
from executions.grid.query.parser import UNREAD_LIMIT, FilterParser
from executions.states import Status
from flows.queries import NOWHERE, Arrangement


@dataclass(frozen=True)
class Filters:
    """The filters of one grid. Empty ones let everything through.

    `invalid_parts` are terms that mean nothing, as they are typed: they filter nothing, and the
    query box shows them with what is wrong. What acts on all that matches has to refuse while there
    are any (`are_understood`). `me` is the reader's id, for `initiator:me` and `is:watched`
    (`seen_by`).
    """

    statuses: frozenset[Status] = frozenset()
    search: str = ""
    terms: tuple[Term, ...] = ()
    invalid_parts: tuple[str, ...] = ()
    me: int | None = None
    #: Parameters of an address that mean nothing.
    unknown: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    #: What is wrong with all of these, and what is read otherwise than it may have been meant.
    problems: tuple[str, ...] = field(default=(), compare=False)
    hints: tuple[str, ...] = field(default=(), compare=False)

    # Read and written ------------------------------------------------------------------------

    @classmethod
    def parse(cls, parameters: QueryDict) -> "Filters":
        """Read the parameters of an address, of which `q` is a typed query.

        What means nothing is kept in `invalid_parts`, or in `unknown`.
        """
        parser = FilterParser(timezone.get_current_timezone())
        parser.add_address(parameters)
        return cls._of(parser)

    @classmethod
    def parse_text(cls, typed: str) -> "Filters":
        """Read a typed query."""
        parser = FilterParser(timezone.get_current_timezone())
        parser.add_query(typed)
        return cls._of(parser)

    @classmethod
    def _of(cls, parser: FilterParser) -> "Filters":
        search = parser.search()
        statuses, terms = parser.terms()
        return cls(
            statuses=statuses,
            search=search,
            terms=terms,
            invalid_parts=parser.invalid_parts(),
            unknown=tuple(parser.unknown[:UNREAD_LIMIT]),
            problems=parser.problems(),
            hints=tuple(dict.fromkeys(parser.hints)),
        )

    def parameters(self) -> list[tuple[str, str]]:
        """Return the parameters that `parse` reads these from."""
        pairs = [("status", status.value) for status in Status if status in self.statuses]
        pairs += [(one.parameter, value) for one in self.terms for value in one.values]
        if words := " ".join(
            filter(None, [query_syntax.write_words(self.search), *self.invalid_parts])
        ):
            pairs.append(("q", words))
        return [*pairs, *self.unknown]

    def text(self) -> str:
        """Return the query that `parse_text` reads these from."""
        parts = []
        if self.statuses:
            named = tuple(status.value for status in Status if status in self.statuses)
            parts.append(query_syntax.write("status", named))
        parts += [term.typed for term in self.terms]
        return " ".join(
            filter(None, [*parts, query_syntax.write_words(self.search), *self.invalid_parts])
        )

    # Asked and changed -----------------------------------------------------------------------

    @property
    def are_understood(self) -> bool:
        """Whether all of it means something."""
        return not (self.invalid_parts or self.unknown)

    @property
    def are_active(self) -> bool:
        return bool(self.statuses or self.search or self.terms)

    @property
    def name_fields(self) -> bool:
        """Whether they name fields, each of which has a parameter of its own in an address."""
        return bool(self.statuses or self.terms)

    def values(self, key: str) -> tuple[str, ...]:
        """Return the values of a field, by its parameter."""
        if key == "status":
            return tuple(status.value for status in Status if status in self.statuses)
        return next((one.values for one in self.terms if (one.parameter) == key), ())

    @property
    def flow(self) -> str:
        """The whole name of the one flow that they let through; "" where there is no such flow."""
        wanted = self.values("flow")
        return wanted[0] if len(wanted) == 1 and not wanted[0].endswith("*") else ""

    @property
    def variables(self) -> frozenset[str]:
        """The names, as they are stored, of the variables that `matches` takes."""
        kinds = [term.field.kind for term in self.terms]
        return frozenset(kind.variable for kind in kinds if isinstance(kind, Variable))

    def with_values(self, parameter: str, values: Iterable[str]) -> Self:
        """Return these with other values of a field, by its parameter (`flow`, `-flow`).

        Without values, the field is left out.
        """
        negated = parameter.startswith("-")
        key = parameter[negated:]
        if key == "status" and not negated:
            return replace(self, statuses=frozenset(Status(value) for value in values))
        field = field_of(key)
        assert field is not None, key
        others = [one for one in self.terms if one.parameter != parameter]
        wanted = Term.of(field, values, negated)
        return replace(self, terms=in_order([*others, wanted] if wanted.values else others))

    @property
    def depend_on_flows(self) -> bool:
        """Whether they depend on where flows are arranged, which no event says."""
        return any(one.depends_on_flows for one in self.terms)

    def seen_by(self, user: Any) -> Self:
        """Return these as a user means them: who `me` is, and whose watches count."""
        if not any(one.is_personal for one in self.terms):
            return self
        return replace(self, me=user.pk or 0)

    # What they let through -------------------------------------------------------------------

    @cached_property
    def search_keys(self) -> tuple[str, ...]:
        """What the search index has to find (`conditions.search_keys`)."""
        return search_keys(self.search, self.terms)

    @property
    def of_exceptions(self) -> bool:
        """Whether they let through only what has thrown an exception."""
        return any(term.of_exceptions for term in self.terms)

    def conditions(self, now: datetime) -> Conditions:
        """Return the conditions from which the planner chooses."""
        return Conditions(self.statuses, self.search, self.terms, self.search_keys, now, self.me)

    def condition(self, now: datetime | None = None) -> Q:
        """Return the condition for a queryset of executions; relative times count from `now`."""
        return self.conditions(now or timezone.now()).any_row()

    def matches(
        self,
        event: ExecutionChanged,
        variables: Mapping[str, Any] | None = None,
        now: datetime | None = None,
        watched: Collection[str] = (),
        flows: Arrangement = NOWHERE,
    ) -> bool:
        """Return whether these let through the execution of a live event, as `condition` does.

        `variables` are the decoded values of those that `self.variables` names; one that is
        missing is not there. `watched` are the ids of the executions that `me` watches, `flows` is
        where flows are arranged.
        """
        return not self.mismatch(event, variables, now, watched, flows)

    def mismatch(
        self,
        event: ExecutionChanged,
        variables: Mapping[str, Any] | None = None,
        now: datetime | None = None,
        watched: Collection[str] = (),
        flows: Arrangement = NOWHERE,
    ) -> str:
        """Return in a few words why an event does not match; "" when it does."""
        if self.statuses and event.status not in self.statuses:
            return self._wrong_status(event)
        if not self._predicates:
            return ""
        context = EventContext(variables or {}, now or timezone.now(), watched, flows)
        for matches, why in self._predicates:
            if not matches(event, context):
                return why
        return ""

    def _wrong_status(self, event: ExecutionChanged) -> str:
        wanted = [status.value for status in Status if status in self.statuses]
        return f"it is {event.status}, not {' or '.join(wanted)}"

    @cached_property
    def _predicates(self) -> list[tuple[Predicate, str]]:
        """What has to hold of an event, each with why it does not match else."""
        found = [(term.matches(self.me), term.mismatch) for term in self.terms]
        if self.search:
            found.append((text_search.matches(self.search), f"“{self.search}” is no longer found"))
        return found
