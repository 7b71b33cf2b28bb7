"""Which executions a grid shows: read from its address or from a typed query, asked of the
database, matched to events.

`Filters.condition` and `Filters.matches` mean the same; a test holds them against each other. How
a field is declared stands in `fields`, how its values are written in `terms` and `text`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, reduce
from operator import or_
from typing import Any, Self

from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone

from executions.events import ExecutionChanged
from executions.grid.query import conditions, matching, query_syntax
from executions.grid.query.conditions import By
from executions.grid.query.fields import VARIABLE, field_of
from executions.grid.query.filter_terms import Term, term
from executions.grid.query.lexemes import words
from executions.grid.query.matching import Beside, Test
from executions.grid.query.parser import UNREAD_LIMIT, Parsing, in_order
from executions.states import Status
from flows import value_paths


@dataclass(frozen=True)
class Filters:
    """The filters of one grid. Empty ones let everything through.

    `unread` are terms as they were typed that mean nothing: they filter nothing, and the query
    box shows them with what is wrong. Whoever acts on everything that matches must refuse while
    there are any (`are_understood`). `me` is whom `initiator:me` means, and who `is:watched` by;
    `seen_by` says so.
    """

    statuses: frozenset[Status] = frozenset()
    search: str = ""
    terms: tuple[Term, ...] = ()
    unread: tuple[str, ...] = ()
    me: int | None = None
    #: Parameters of an address that are neither filters nor anything else.
    unknown: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    #: What is wrong with all of these, and what was read otherwise than it may have been meant.
    problems: tuple[str, ...] = field(default=(), compare=False)
    hints: tuple[str, ...] = field(default=(), compare=False)

    # Read and written ------------------------------------------------------------------------

    @classmethod
    def parse(cls, parameters: QueryDict) -> "Filters":
        """Read the parameters of an address; `q` is a typed query. What can't be read there is
        kept in `unread`, or in `unknown`."""
        parsing = Parsing(timezone.get_current_timezone())
        parsing.address(parameters)
        return cls._of(parsing)

    @classmethod
    def parse_text(cls, typed: str) -> "Filters":
        """Read a typed query alone."""
        parsing = Parsing(timezone.get_current_timezone())
        parsing.typed(typed)
        return cls._of(parsing)

    @classmethod
    def _of(cls, parsing: Parsing) -> "Filters":
        search = parsing.search()
        statuses, terms = parsing.terms()
        return cls(
            statuses=statuses,
            search=search,
            terms=terms,
            unread=parsing.unread(),
            unknown=tuple(parsing.unknown[:UNREAD_LIMIT]),
            problems=parsing.problems(),
            hints=tuple(dict.fromkeys(parsing.hints)),
        )

    def parameters(self) -> list[tuple[str, str]]:
        """The inverse of `parse`."""
        pairs = [("status", status.value) for status in Status if status in self.statuses]
        pairs += [(one.parameter, value) for one in self.terms for value in one.values]
        if words := " ".join(filter(None, [query_syntax.write_words(self.search), *self.unread])):
            pairs.append(("q", words))
        return [*pairs, *self.unknown]

    def text(self) -> str:
        """The inverse of `parse_text`."""
        parts = []
        if self.statuses:
            named = tuple(status.value for status in Status if status in self.statuses)
            parts.append(query_syntax.write("status", named))
        parts += [query_syntax.write(one.key, one.values, one.negated) for one in self.terms]
        return " ".join(filter(None, [*parts, query_syntax.write_words(self.search), *self.unread]))

    # Asked and changed -----------------------------------------------------------------------

    @property
    def are_understood(self) -> bool:
        """Whether all that was asked for is known."""
        return not (self.unread or self.unknown)

    @property
    def are_active(self) -> bool:
        return bool(self.statuses or self.search or self.terms)

    @property
    def are_loose(self) -> bool:
        """Whether they name fields; read from a typed query, they have parameters of their own."""
        return bool(self.statuses or self.terms)

    def values(self, key: str) -> tuple[str, ...]:
        """What a field is wanted to be."""
        if key == "status":
            return tuple(status.value for status in Status if status in self.statuses)
        return next((one.values for one in self.terms if (one.parameter) == key), ())

    @property
    def flow(self) -> str:
        """The one flow that is wanted, by its whole name; "" when there is another wish or none."""
        wanted = self.values("flow")
        return wanted[0] if len(wanted) == 1 and not wanted[0].endswith("*") else ""

    @property
    def variables(self) -> frozenset[str]:
        """The names, as they are stored, of the variables that it takes to say what matches."""
        return frozenset(
            value_paths.split(one.key[len(VARIABLE) :])[0].casefold()
            for one in self.terms
            if one.key.startswith(VARIABLE)
        )

    def with_values(self, parameter: str, values: Iterable[str]) -> Self:
        """With other values of a field (`flow`, or `-flow` for what is not wanted); without any
        where there are none."""
        negated = parameter.startswith("-")
        key = parameter[negated:]
        if key == "status" and not negated:
            return replace(self, statuses=frozenset(Status(value) for value in values))
        field = field_of(key)
        assert field is not None, key
        others = [one for one in self.terms if one.parameter != parameter]
        wanted = term(field, values, negated)
        return replace(self, terms=in_order([*others, wanted] if wanted.values else others))

    def seen_by(self, user: Any) -> Self:
        """As that user means them: who `me` is, and whose watches count."""
        if not any(one.is_personal for one in self.terms):
            return self
        return replace(self, me=user.pk or 0)

    # What they let through -------------------------------------------------------------------

    @cached_property
    def sought(self) -> tuple[str, ...]:
        """What the search index has to find: the parameters of terms, and `q:` with each word of
        the search. Empty when other indexes do."""
        terms = [one.parameter for one in self.terms if conditions.is_sought(one)]
        if conditions.id_range(self.search):
            return (*terms, "q:")
        return (*terms, *(f"q:{word}" for word in words(self.search)))

    @property
    def of_exceptions(self) -> bool:
        """Whether they let through nothing but what has an exception."""
        return any(one.key in conditions.OF_EXCEPTIONS and not one.negated for one in self.terms)

    def condition(
        self,
        now: datetime | None = None,
        *,
        by_row: bool | Collection[str] = False,
        rough: bool = False,
    ) -> Q:
        """The filters for a queryset of executions; `now` is what relative times count from.

        `by_row` means the same, put for looking at one row after the other: all of it, or those of
        `sought` that it names. `rough` is for estimates, and lets a few more through.
        """
        now = now or timezone.now()
        common, *either = self._parts(now, by_row, rough)
        return common & reduce(or_, either) if either else common

    def branches(self, now: datetime, by_row: bool | Collection[str] = False) -> list[Q]:
        """Conditions that share out between them what `condition` lets through, each of which an
        index serves without looking at the rows that it finds."""
        common, *either = self._parts(now, by_row)
        return [common & one for one in either] or [common]

    def _parts(self, now: datetime, by_row: bool | Collection[str], rough: bool = False) -> list[Q]:
        """What everything has to be; and, where the search index is asked, what is in it and what
        is not."""
        common = Q()
        if self.statuses:
            common &= Q(status__in=sorted(self.statuses))

        def in_row(name: str) -> bool:
            return by_row if isinstance(by_row, bool) else name in by_row

        indexed = [one for one in self.sought if not in_row(one)]
        for one in self.terms:
            if one.parameter not in indexed:
                common &= conditions.condition(one, now, self.me, By.ROW)
        if not indexed:
            return [common & self._sought(now, By.ROW) if self.search else common]
        by_index = self._sought(now, By.ROUGH if rough else By.INDEX, indexed)
        if rough:
            return [common & conditions.INDEXED & by_index]
        # What is in the queue or on a worker is in the index a moment later, and few until then.
        rest = self._sought(now, By.ROW, indexed)
        return [common, conditions.INDEXED & by_index, ~conditions.INDEXED & rest]

    def _sought(self, now: datetime, by: By, indexed: Collection[str] = ()) -> Q:
        """The search, and the terms that are named, in one form; words that are not named are
        looked for by row."""
        condition = Q()
        for one in self.terms:
            if one.parameter in indexed:
                condition &= conditions.condition(one, now, self.me, by)
        if self.search:
            condition &= conditions.searched(
                self.search,
                lambda word: by is By.ROW or not {"q:", f"q:{word}"}.intersection(indexed),
            )
        return condition

    def part(self, name: str) -> "Filters":
        """One of `sought` alone."""
        if name.startswith("q:"):
            return replace(self, statuses=frozenset(), terms=(), search=name[2:] or self.search)
        terms = tuple(one for one in self.terms if one.parameter == name)
        return replace(self, statuses=frozenset(), terms=terms, search="")

    def matches(
        self,
        event: ExecutionChanged,
        variables: Mapping[str, Any] | None = None,
        now: datetime | None = None,
        watched: Collection[str] = (),
    ) -> bool:
        """Whether the queryset of `condition` would hold the execution of this event.

        `variables` are the values, decoded, of those that `self.variables` names; one that it
        lacks is not there. `watched` are the executions that `me` watches.
        """
        return not self.mismatch(event, variables, now, watched)

    def mismatch(
        self,
        event: ExecutionChanged,
        variables: Mapping[str, Any] | None = None,
        now: datetime | None = None,
        watched: Collection[str] = (),
    ) -> str:
        """Why an event does not match, in a few words; "" when it does."""
        if self.statuses and event.status not in self.statuses:
            return self._wrong_status(event)
        if not self._tests:
            return ""
        beside = Beside(variables or {}, now or timezone.now(), watched)
        for test in self._tests:
            if why := test(event, beside):
                return why
        return ""

    def _wrong_status(self, event: ExecutionChanged) -> str:
        wanted = [status.value for status in Status if status in self.statuses]
        return f"it is {event.status}, not {' or '.join(wanted)}"

    @cached_property
    def _tests(self) -> list[Test]:
        tests = [matching.test(one, self.me) for one in self.terms]
        return [*tests, matching.searched(self.search)] if self.search else tests
