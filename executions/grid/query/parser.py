"""Filters while they are read, from an address or a typed query.

What names a filter and cannot be read is kept with what is wrong: a filter that is left out lets
through more than was meant.
"""

from collections.abc import Iterator
from datetime import tzinfo
from itertools import zip_longest
from typing import Protocol

from executions.grid.query import query_syntax
from executions.grid.query.errors import InvalidValue
from executions.grid.query.fields import NO_TEXT, Field, field_of, near_field
from executions.grid.query.filter_terms import VALUES, Term, in_order
from executions.grid.query.kinds.variable import PREFIX
from executions.grid.query.lexer import is_closed
from executions.grid.query.query_syntax import TypedField, TypedWord, Unread
from executions.states import Status
from flows import value_paths

#: Characters that are searched for together; words beyond are not read.
SEARCH_LIMIT = 200
#: Conditions of one query: values that hold together, and fields with alternatives. More are not
#: read; each costs the database.
CONDITIONS = 20
#: Terms that could not be read, kept to be mended.
UNREAD_LIMIT = 50
#: What else an address of the grid says.
OTHERS = frozenset(
    {
        *("q", "variable", "holds", "sort", "group", "older", "newer", "at", "open", "more"),
        *("view", "column", "width", "children", "edit"),
    }
)


class Parameters(Protocol):
    """A QueryDict, as far as it is read."""

    def __iter__(self) -> Iterator[str]: ...
    def getlist(self, key: str) -> list[str]: ...


class Parsing:
    """Reads filters piece by piece; moments without a time zone are in `zone`."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self.hints: list[str] = []
        #: Parameters of an address that are no filter and nothing else.
        self.unknown: list[tuple[str, str]] = []
        self._read: dict[tuple[str, bool], list[str]] = {}
        self._words: list[tuple[str, str]] = []
        #: What could not be read, and why.
        self._unread: dict[str, str] = {}

    def typed(self, query: str) -> None:
        for part in query_syntax.parse(query):
            match part:
                case Unread(raw, problem):
                    self._unread[raw] = problem
                case TypedWord(raw, text, hint):
                    self._words.append((raw, text))
                    self.hints += [hint] if hint else []
                case TypedField(raw, key, values, negated):
                    for value in values:
                        self.add(key, value, negated, raw if len(values) == 1 else "")

    def address(self, parameters: Parameters) -> None:
        """`q` is a typed query. A field without a value is that of a form that was left empty."""
        for parameter in parameters:
            negated = parameter.startswith("-")
            key, values = parameter[negated:], list(filter(None, parameters.getlist(parameter)))
            if parameter in OTHERS or not values:
                continue
            if field_of(key) or near_field(key):
                for value in values:
                    self.add(key, value, negated)
            else:
                self.unknown += [(parameter, value) for value in values]
        # As a form without a script says it.
        named, held = parameters.getlist("variable"), parameters.getlist("holds")
        for path, value in zip_longest(named, held, fillvalue=""):
            if path.strip() or value.strip():
                path = value_paths.read(path.strip().removeprefix(PREFIX))
                self.add(PREFIX + path, value, negated=False)
        self.typed(" ".join(parameters.getlist("q")))

    def add(self, key: str, value: str, negated: bool, raw: str = "") -> None:
        """A value of a field, written as `raw`."""
        field = field_of(key)
        try:
            if field is None:
                raise InvalidValue(near_field(key) or f"There is no field “{key}”.")
            self._read.setdefault((field.key, negated), []).append(field.parse(value, self.zone))
        except InvalidValue as problem:
            self._leave(raw or query_syntax.write(key, (value,), negated), str(problem))

    def _leave(self, raw: str, why: str) -> None:
        # As a query that is read again would have it: too long, it stays so.
        self._unread[NO_TEXT.sub("\ufffd", raw)[: query_syntax.TEXT_LIMIT + 1]] = why

    # What has been read ----------------------------------------------------------------------

    def search(self) -> str:
        """The words that are searched for, as many as may be together."""
        found = ""
        for raw, words in self._words:
            if len(together := f"{found} {words}".strip()) <= SEARCH_LIMIT:
                found = together
            else:
                told = f"More than {SEARCH_LIMIT} characters are searched for. Search for less."
                self._leave(raw, told)
        return found

    def terms(self) -> tuple[frozenset[Status], tuple[Term, ...]]:
        """The statuses that are wanted, and the other terms."""
        statuses = frozenset(map(Status, self._read.pop(("status", False), ())))
        found = []
        left = CONDITIONS
        for (key, negated), values in self._read.items():
            field = field_of(key)
            assert field is not None
            kept = self._kept(field, list(dict.fromkeys(values)), negated, left)
            left -= 1 if field.kind.any_of else len(kept)
            if kept:
                found.append(Term.of(field, kept, negated))
        return statuses, in_order(found)

    def _kept(self, field: Field, values: list[str], negated: bool, left: int) -> list[str]:
        most = (VALUES if left else 0) if field.kind.any_of else min(VALUES, left)
        told = f"More than {CONDITIONS} conditions, or {VALUES} values of a field, are too many."
        for value in values[most:]:
            self._leave(query_syntax.write(field.key, (value,), negated), f"{told} Take some away.")
        return values[:most]

    def unread(self) -> tuple[str, ...]:
        """What could not be read, as it was written; last what takes in whatever follows."""
        found = list(self._unread)[:UNREAD_LIMIT]
        return tuple(sorted(found, key=is_closed, reverse=True))

    def problems(self) -> tuple[str, ...]:
        """What is wrong with it, and what to do."""
        told = [f"The address says {name}, and there is no such field." for name, _ in self.unknown]
        return tuple(dict.fromkeys([*self._unread.values(), *told]))[:UNREAD_LIMIT]
