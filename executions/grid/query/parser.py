"""Filters while they are read, from an address or a typed query.

What names a filter and cannot be read is kept with what is wrong: a filter that is left out lets
through more than was meant.
"""

from datetime import tzinfo
from itertools import zip_longest

from django.http import QueryDict

from executions.grid.query import query_syntax
from executions.grid.query.errors import InvalidValue
from executions.grid.query.fields import NO_TEXT, Field, field_of, near_field
from executions.grid.query.filter_terms import VALUES, Term, in_order
from executions.grid.query.kinds.variable import PREFIX
from executions.grid.query.lexer import is_closed
from executions.grid.query.query_syntax import InvalidPart, TypedField, TypedWord
from executions.states import Status
from flows import value_paths

#: Characters of a search; words beyond are refused.
SEARCH_LIMIT = 200
#: Conditions of one query: values that have to hold together, and fields with alternatives. More
#: are refused: each costs the database.
CONDITIONS = 20
#: Terms that mean nothing, kept to be corrected.
UNREAD_LIMIT = 50
#: The parameters of an address of the grid that are no filters.
GRID_PARAMETERS = frozenset(
    {
        *("q", "variable", "holds", "sort", "group", "older", "newer", "at", "open", "more"),
        *("view", "column", "width", "children", "edit"),
    }
)


class FilterParser:
    """Reads filters from addresses and typed queries; times without a zone are in `zone`."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self.hints: list[str] = []
        #: Parameters of an address that mean nothing.
        self.unknown: list[tuple[str, str]] = []
        self._read: dict[tuple[str, bool], list[str]] = {}
        self._words: list[tuple[str, str]] = []
        #: What means nothing, as it is typed, and what is wrong with it.
        self._unread: dict[str, str] = {}

    def add_query(self, query: str) -> None:
        """Read a typed query."""
        for part in query_syntax.parse(query):
            match part:
                case InvalidPart(raw, problem):
                    self._unread[raw] = problem
                case TypedWord(raw, text, hint):
                    self._words.append((raw, text))
                    self.hints += [hint] if hint else []
                case TypedField(raw, key, values, negated):
                    for value in values:
                        self.add_value(key, value, negated, raw if len(values) == 1 else "")

    def add_address(self, parameters: QueryDict) -> None:
        """Read the parameters of an address, of which `q` is a typed query.

        A field without a value comes from a form that was left empty.
        """
        for parameter in parameters:
            negated = parameter.startswith("-")
            key, values = parameter[negated:], list(filter(None, parameters.getlist(parameter)))
            if parameter in GRID_PARAMETERS or not values:
                continue
            if field_of(key) or near_field(key):
                for value in values:
                    self.add_value(key, value, negated)
            else:
                self.unknown += [(parameter, value) for value in values]
        # A form without a script names a variable like this.
        named, held = parameters.getlist("variable"), parameters.getlist("holds")
        for path, value in zip_longest(named, held, fillvalue=""):
            if path.strip() or value.strip():
                path = value_paths.parse(path.strip().removeprefix(PREFIX))
                self.add_value(PREFIX + path, value, negated=False)
        self.add_query(" ".join(parameters.getlist("q")))

    def add_value(self, key: str, value: str, negated: bool, raw: str = "") -> None:
        """Read a value of a field, which is typed as `raw`."""
        field = field_of(key)
        try:
            if field is None:
                raise InvalidValue(near_field(key) or f"There is no field “{key}”.")
            self._read.setdefault((field.key, negated), []).append(field.parse(value, self.zone))
        except InvalidValue as problem:
            self._refuse(raw or query_syntax.write(key, (value,), negated), str(problem))

    def _refuse(self, raw: str, problem: str) -> None:
        # Cut as `query_syntax.parse` cuts it, so that it is too long when it is read again, too.
        self._unread[NO_TEXT.sub("\ufffd", raw)[: query_syntax.TEXT_LIMIT + 1]] = problem

    # What has been read ----------------------------------------------------------------------

    def search(self) -> str:
        """Return the words to search for, as many as a search takes."""
        found = ""
        for raw, words in self._words:
            if len(together := f"{found} {words}".strip()) <= SEARCH_LIMIT:
                found = together
            else:
                problem = f"A search takes {SEARCH_LIMIT} characters at most. Search for less."
                self._refuse(raw, problem)
        return found

    def terms(self) -> tuple[frozenset[Status], tuple[Term, ...]]:
        """Return the statuses to let through, and the other terms."""
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
        problem = (
            f"A query takes {CONDITIONS} conditions at most, and {VALUES} values of a field. "
            "Remove some."
        )
        for value in values[most:]:
            self._refuse(query_syntax.write(field.key, (value,), negated), problem)
        return values[:most]

    def invalid_parts(self) -> tuple[str, ...]:
        """Return what means nothing, as it is typed; last what takes in all that follows."""
        found = list(self._unread)[:UNREAD_LIMIT]
        return tuple(sorted(found, key=is_closed, reverse=True))

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with it, and what to do."""
        unknown = [
            f"There is no field {name}, which the address names." for name, _ in self.unknown
        ]
        return tuple(dict.fromkeys([*self._unread.values(), *unknown]))[:UNREAD_LIMIT]
